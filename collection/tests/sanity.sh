#!/usr/bin/env bash
# Runs ansible-test's sanity tests on this collection, without containers: bash collection/tests/sanity.sh [TEST ...]
#
# ansible-test wants the collection in a tree ansible_collections/NAMESPACE/NAME that is a git repository, and pip for the
# virtual environments it makes. It would download a bootstrap script for that; Python's own ensurepip does the same.
set -euo pipefail

collection=$(cd "$(dirname "$0")/.." && pwd)
command -v ansible-test >/dev/null || PATH="$collection/../.venv/bin:$PATH"
version=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
tests=("$@")
[ "${#tests[@]}" -gt 0 ] || tests=(
  action-plugin-docs ansible-doc changelog compile empty-init ignores import line-endings no-assert no-get-exception
  no-illegal-filenames no-smart-quotes pep8 pylint replace-urlopen runtime-metadata shebang symlinks
  use-argspec-type-path use-compat-six validate-modules yamllint
)

tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree/ansible_collections/netpulse" "$HOME/.ansible/test/cache"
cp -rL "$collection" "$tree/ansible_collections/netpulse/broker"
for pip in 21.3.1 24.2 25.0; do
  bootstrap="$HOME/.ansible/test/cache/get_pip_${pip//./_}.py"
  [ -e "$bootstrap" ] || printf 'import ensurepip\n\nensurepip.bootstrap(default_pip=True)\n' >"$bootstrap"
done
cd "$tree/ansible_collections/netpulse/broker"
find . -name __pycache__ -prune -exec rm -r {} +
git init -q
git add -A

arguments=()
for test in "${tests[@]}"; do arguments+=(--test "$test"); done
LC_ALL=C.UTF-8 ansible-test sanity --local --python "$version" "${arguments[@]}"
