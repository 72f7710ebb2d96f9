import click


@click.command()
@click.option("--count", type=int)
@click.option("--shout", is_flag=True)
def main(count, shout):
    click.echo(("HELLO " if shout else "hello ") * count)


main()
