import os
import sys

for name in sorted(os.listdir(sys.argv[1])) if os.path.isdir(sys.argv[1]) else [sys.argv[1]]:
    with open(os.path.join(sys.argv[1], name)) as file:  # of an absolute path, only the last one counts
        print(os.path.basename(name), file.read().split())
