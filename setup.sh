#!/bin/sh
# Makes this computer ready: Debian packages, uv, the Python environment, the guest images.
# Safe to run again: what is there is left alone, and then it takes about a second.
#
#   ./setup.sh                everything that runs samples
#   ./setup.sh --for FILE...  only the guest images that these files need
#   ./setup.sh --no-images    without the guest images (no machine can be started then)
#   ./setup.sh --tests ...    also what the tests need: compilers, mostly; goes before the others
set -eu
cd "$(dirname "$0")"

say() { printf '%s\n' "$*" >&2; }
fail() { say "error: $1"; say "   do: $2"; exit 1; }

packages=src/lazaretto/cli/packages.txt
if [ "${1:-}" = --tests ]; then packages="$packages tests/packages.txt"; shift; fi
images=yes
case "${1:-}" in
'') ;;
--no-images) images=no; shift ;;
--for) ;;
*) fail "unknown option $1" "see the first lines of $0" ;;
esac

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		fail "not root, and no sudo here" "run this as root: $*"
	fi
}

# 1. Debian packages. The list is the one that `lazaretto doctor` reads.
command -v dpkg-query >/dev/null || fail "this is not a Debian system" "use Debian 12, in a virtual machine if need be"
# shellcheck disable=SC2086  # two names of files
wanted="$(awk '!/^#/ && NF { print $1 }' $packages) ca-certificates"
command -v python3 >/dev/null || wanted="$wanted python3"
if ! command -v uv >/dev/null && [ ! -x .uv/bin/uv ]; then
	wanted="$wanted python3 python3-venv"
fi
missing=
for package in $wanted; do
	case "$(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null || true)" in
	ii*) ;;
	*) missing="$missing $package" ;;
	esac
done
if [ -n "$missing" ]; then
	say "installing Debian packages:$missing"
	# a mirror may be in the middle of an update: what is needed may still be had
	as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq || say "the package lists are not all fresh"
	# shellcheck disable=SC2086  # the list is words on purpose
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
fi

# 2. uv, in an environment of its own where the computer has none.
if command -v uv >/dev/null; then
	uv=uv
else
	if [ ! -x .uv/bin/uv ]; then
		say "installing uv"
		python3 -m venv .uv
		.uv/bin/python -m pip install --quiet uv
	fi
	uv=$PWD/.uv/bin/uv
fi

# 3. The Python environment, exactly as locked. Compiled here once, so that no command pays for it at its start.
# Certificates are Debian's, since many companies look into TLS with an authority that only Debian's store knows.
export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-true}"
if ! "$uv" sync --locked --quiet --check 2>/dev/null; then
	say "making the Python environment"
	"$uv" sync --locked --quiet --compile-bytecode
fi
.venv/bin/python -m compileall -q -x /guest/ src/lazaretto || true # only speed is lost: a module with a fault shows itself later

# 4. The guest images; nothing is done for those that are built from the current recipe. They are built as root, into the
# folder of whoever runs this, and belong to that user afterwards.
if [ "$images" = yes ]; then
	if [ "$(id -u)" = 0 ]; then
		.venv/bin/lazaretto image build "$@"
	elif ! .venv/bin/lazaretto image build --quiet "$@" 2>/dev/null; then # there is something to make
		home=$(.venv/bin/python -c 'from lazaretto.sandbox.image.store import default_home; print(default_home())')
		mkdir -p "$home"
		as_root env LAZARETTO_HOME="$home" "$PWD/.venv/bin/lazaretto" image build "$@"
		as_root chown -R "$(id -u):$(id -g)" "$home"
	fi
fi
