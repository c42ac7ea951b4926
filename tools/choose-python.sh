#!/bin/sh
# Print the interpreter that .venv is made with: the distribution's, as servers have it, when it is new enough and can
# make virtual environments; else python3 of PATH.
#
# A distribution's Python is built with profile-guided optimisation. One that was compiled without, as pyenv does unless
# told otherwise, takes a tenth longer for a command through the broker.
set -eu

for python in /usr/bin/python3 python3; do
    if "$python" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        echo "$python"
        exit 0
    fi
done
echo python3
