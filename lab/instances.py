"""Make the lab's images for Incus and LXD and publish them as a simplestreams tree. Standard library only.

    python3 instances.py WORKDIR      e.g. python3 instances.py /var/tmp/lab

WORKDIR/whoami, lease and busybox are static programs. The tree is WORKDIR/images, which the router serves at
https://registry.example.com:8443/. It is made when something that goes into it has changed, and has the same bytes every time.

whoami/1.11        whoami on [::]:80; environment.WHOAMI_NAME and WHOAMI_PORT are for it
whoami/1.12        the same with another fingerprint, for upgrades; also `whoami`. An older version has a fingerprint only
httpd/1.0          busybox httpd on [::]:80, over /www; also `httpd`
broken/1.0         has no init: it can be created, and does not start

An instance stops at once when it is asked to, takes an address from the router's RA and one from DHCPv6, runs a cloud-init
user-data that is a script once, and takes the static addresses of a cloud-init network-config: no more of cloud-init is there.
The engines keep the list of images for an hour (in /var/cache/incus or lxd): if one changes meanwhile, they refuse its hash.
"""

import hashlib
import io
import json
import lzma
import os
import sys
import tarfile

PROGRAMS = ("busybox", "lease", "whoami")  # static ones
APPLETS = (
    "awk cat chmod cp date echo env grep head hostname httpd id ip kill ls mkdir mount mv nc netstat ping ps rm sed sh"
    " sleep sort tail tee test touch wget"
)

# Process 1. Incus asks it to stop with SIGPWR, and it ends at once; so does everything with it.
INIT = r"""#!/bin/sh
export PATH=/bin
stop() { trap '' PWR TERM INT; kill "$child"; exit 0; }
trap stop PWR TERM INT

hostname >/etc/hostname
ip link set lo up
for path in /sys/class/net/eth*; do
    [ -e "$path" ] || continue
    link=${path##*/}
    ip link set "$link" up # the kernel takes an address from the router's advertisement
    { address=$(lease "$link") && ip -6 addr replace "$address/128" dev "$link"; } & # one more, if a DHCPv6 server is there
done

# As much of cloud-init as the lab needs: static addresses, and a script that runs once.
seed=/var/lib/cloud/seed/nocloud-net
grep -oE '[0-9a-f]*:[0-9a-f:]+/[0-9]+' $seed/network-config 2>/dev/null | while read -r address; do
    ip -6 addr add "$address" dev eth0
done
if [ "$(head -c 2 $seed/user-data 2>/dev/null)" = '#!' ] && [ ! -e /var/lib/cloud/done ]; then
    touch /var/lib/cloud/done
    cp $seed/user-data /run/user-data
    chmod 700 /run/user-data
    /run/user-data
fi

while :; do
    PROGRAM &
    child=$!
    wait "$child"
    sleep 1
done
"""

METADATA = """architecture: x86_64
creation_date: 1767225600
expiry_date: 0
properties:
  architecture: amd64
  description: {name} {release} of the lab
  name: {name}
  os: Lab
  release: "{release}"
templates:
"""

SEEDS = ("network-config", "user-data", "vendor-data")  # of cloud-init


def archive(files):
    """An xz'd tar of {path: (mode, bytes, link target as str, or None for a directory)}, the same bytes every time."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as tar:
        for path, (mode, content) in sorted(files.items()):
            entry = tarfile.TarInfo(path)
            entry.mode, entry.mtime = mode, 1767225600
            if content is None:
                entry.type = tarfile.DIRTYPE
            elif isinstance(content, str):
                entry.type, entry.linkname = tarfile.SYMTYPE, content
            else:
                entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content) if isinstance(content, bytes) else None)
    return lzma.compress(plain.getvalue(), preset=2)


def digest(*parts):
    return hashlib.sha256(b"".join(parts)).hexdigest()


def metadata(name, release):
    """What an image is, and the files that the engine writes into an instance of it before each start."""
    text = METADATA.format(name=name, release=release)
    files = {}
    for seed in SEEDS:
        text += f"  /var/lib/cloud/seed/nocloud-net/{seed}:\n    when: [create, copy, start]\n"
        text += f"    template: {seed}.tpl\n"
        # user.* are the names before LXD 4.22, which are still taken
        body = '{{ config_get("cloud-init.SEED", config_get("user.SEED", "")) }}\n'.replace("SEED", seed)
        files[f"templates/{seed}.tpl"] = (0o644, body.encode())
    return archive({"metadata.yaml": (0o644, text.encode()), "templates": (0o755, None), **files})


def root(work, program, release):
    """The file system of an instance; program None: nothing that could start."""
    programs = {}
    for name in PROGRAMS:
        with open(f"{work}/{name}", "rb") as file:
            programs[f"bin/{name}"] = (0o755, file.read())
    files = {
        f"{name}": (0o755, None) for name in ("bin", "dev", "etc", "proc", "root", "run", "sbin", "sys", "var", "www")
    }
    files |= {f"var/lib{path}": (0o755, None) for path in ("", "/cloud", "/cloud/seed", "/cloud/seed/nocloud-net")}
    files |= {f"bin/{name}": (0o777, "busybox") for name in APPLETS.split()}
    files |= programs
    files |= {
        "tmp": (0o1777, None),
        "etc/passwd": (0o644, b"root:x:0:0:root:/root:/bin/sh\n"),
        "etc/group": (0o644, b"root:x:0:\n"),
        "etc/release": (0o644, release.encode() + b"\n"),
        "www/index.html": (0o644, b"<h1>It works, over IPv6.</h1>\n"),
    }
    if program:
        files["sbin/init"] = (0o755, INIT.replace("PROGRAM", program).encode())
    return archive(files)


class Tree:
    """What is published: products, each with its versions, the newest of which has the aliases."""

    def __init__(self, place):
        self.place = place
        self.products = {}
        self.kept = set()

    def add(self, name, release, aliases, version, meta, files):
        """version: begins with its day, e.g. 20260101_00:00."""
        base = f"images/{name}/{release}/{version.replace(':', '')}"
        parts = {"incus.tar.xz": meta, "lxd.tar.xz": meta, "root.tar.xz": files}
        combined = digest(meta, files)
        items = {}
        for kind, data in parts.items():
            path = f"{base}/{'root' if kind == 'root.tar.xz' else 'meta'}.tar.xz"
            self.write(path, data)
            items[kind] = {"ftype": kind, "path": path, "size": len(data), "sha256": digest(data)}
            if data is meta:
                items[kind] |= {"combined_sha256": combined, "combined_rootxz_sha256": combined}
        product = self.products.setdefault(
            f"lab:{name}:{release}:amd64:default",
            {
                "aliases": ",".join(aliases),
                "arch": "amd64",
                "os": "Lab",
                "release": f"{name}-{release}",
                "release_title": f"{name} {release}",
                "variant": "default",
                "versions": {},
            },
        )
        product["versions"][version] = {"items": items}
        print(f"{', '.join(aliases)} ({version}) {combined[:12]} {(len(meta) + len(files)) // 1024} KiB")

    def write(self, path, data):
        target = os.path.join(self.place, path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target + ".new", "wb") as file:
            file.write(data)
        os.replace(target + ".new", target)
        self.kept.add(target)

    def finish(self):
        products = {
            "content_id": "images",
            "datatype": "image-downloads",
            "format": "products:1.0",
            "products": self.products,
        }
        index = {
            "format": "index:1.0",
            "index": {
                "images": {
                    "datatype": "image-downloads",
                    "format": "products:1.0",
                    "path": "streams/v1/images.json",
                    "products": sorted(self.products),
                    "updated": "Thu, 01 Jan 2026 00:00:00 +0000",
                }
            },
        }
        self.write("streams/v1/images.json", json.dumps(products, indent=1, sort_keys=True).encode())
        self.write("streams/v1/index.json", json.dumps(index, indent=1, sort_keys=True).encode())
        for folder, _folders, names in os.walk(self.place):
            for name in names:
                path = os.path.join(folder, name)
                if path not in self.kept:
                    os.unlink(path)


def ingredients(work):
    parts = []
    for path in (__file__, *(f"{work}/{name}" for name in PROGRAMS)):
        with open(path, "rb") as file:
            parts.append(file.read())
    return digest(*parts)


def main(work):
    place = os.path.join(work, "images")
    stamp = os.path.join(place, ".made-of")
    made_of = ingredients(work)
    if os.path.exists(stamp):
        with open(stamp, encoding="ascii") as file:
            if file.read() == made_of:
                return
    tree = Tree(place)
    for name, release, aliases, version, program, note in [
        ("whoami", "1.11", ["whoami/1.11"], "20260101_00:00", "/bin/whoami", "1.11"),
        ("whoami", "1.12", ["whoami/1.12", "whoami"], "20260101_00:00", "/bin/whoami", "1.12-old"),
        ("whoami", "1.12", ["whoami/1.12", "whoami"], "20260201_00:00", "/bin/whoami", "1.12"),
        ("httpd", "1.0", ["httpd/1.0", "httpd"], "20260101_00:00", "httpd -f -p 80 -h /www", "1.0"),
        ("broken", "1.0", ["broken/1.0"], "20260101_00:00", None, "1.0"),
    ]:
        tree.add(name, release, aliases, version, metadata(name, release), root(work, program, note))
    tree.finish()
    with open(stamp, "w", encoding="ascii") as file:
        file.write(made_of)


if __name__ == "__main__":
    main(sys.argv[1])
