from pathlib import Path

from tg.common.ml.tables.table_files import walk_files


def test_links_to_files_are_files_and_links_to_folders_are_not_followed(tmp_path: Path) -> None:
    dataset, elsewhere = tmp_path / "dataset", tmp_path / "elsewhere"
    (dataset / "a").mkdir(parents=True)
    elsewhere.mkdir()
    (dataset / "a" / "1.parquet").write_bytes(b"1")
    (elsewhere / "2.parquet").write_bytes(b"2")
    (dataset / "2.parquet").symlink_to(elsewhere / "2.parquet")
    (dataset / "b").symlink_to(elsewhere)
    (dataset / "gone").symlink_to(tmp_path / "nothing")
    (dataset / "_a").mkdir()
    (dataset / "_a" / "3.parquet").write_bytes(b"3")

    all_files = {Path(each.path).relative_to(dataset).as_posix() for each in walk_files(dataset)}
    assert all_files == {"2.parquet", "_a/3.parquet", "a/1.parquet"}
    some = walk_files(dataset, lambda name: name.startswith("_"))
    assert {Path(each.path).relative_to(dataset).as_posix() for each in some} == {"2.parquet", "a/1.parquet"}
