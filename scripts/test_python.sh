#!/usr/bin/env bash
# Run the Python tests in a virtual environment: as many at a time as there are processors, at most four.
#
#   scripts/test_python.sh [ARGUMENT OF PYTEST…]
#
# VENV     folder of the virtual environment (.venv)
set -euo pipefail
cd "$(dirname "$0")/.."

# Whichever process has done its own tests takes over some of another's.
exec "${VENV:-.venv}/bin/pytest" --numprocesses=auto --maxprocesses=4 --dist=worksteal "$@"
