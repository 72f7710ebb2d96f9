echo "hello $1 from $(basename "$PWD")"; ls folder
