"""Make the lab's container images and push them to its registry. Standard library only.

    python3 images.py REGISTRY CA WORKDIR      e.g. python3 images.py https://registry.example.com ca.crt /var/tmp/lab

An image here is one layer: a few files. WORKDIR/whoami and WORKDIR/busybox are static programs.
"""

import gzip
import hashlib
import io
import json
import ssl
import sys
import tarfile
import time
import urllib.error
import urllib.request

APPLETS = ["sh", "cat", "echo", "env", "hostname", "httpd", "ip", "ls", "nc", "ping", "ps", "sleep", "wget"]


def layer(files):
    """A gzip'd tar of {path: (mode, bytes or link target as str)}, the same bytes every time, and its plain digest."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        for path, (mode, content) in sorted(files.items()):
            entry = tarfile.TarInfo(path)
            entry.mode = mode
            if content is None:
                entry.type = tarfile.DIRTYPE
            elif isinstance(content, str):
                entry.type, entry.linkname = tarfile.SYMTYPE, content
            else:
                entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content) if isinstance(content, bytes) else None)
    return gzip.compress(plain.getvalue(), mtime=0), digest(plain.getvalue())


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Registry:
    def __init__(self, url, ca):
        self.url = url
        self.context = ssl.create_default_context(cafile=ca)

    def ask(self, method, path, data=None, **headers):
        url = path if path.startswith("http") else self.url + path
        request = urllib.request.Request(
            url, data=data, method=method, headers={k.replace("_", "-"): v for k, v in headers.items()}
        )
        return urllib.request.urlopen(request, context=self.context, timeout=20)

    def wait(self, seconds):
        """Its host answers to ssh before it does itself."""
        end = time.monotonic() + seconds
        while error := self.refusal():
            if time.monotonic() > end:
                sys.exit(f"{self.url} does not answer: {error}")
            time.sleep(0.1)

    def refusal(self):
        try:
            self.ask("GET", "/v2/").close()
        except OSError as error:
            return error
        return None

    def has(self, path):
        try:
            self.ask("HEAD", path).close()
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return False
            raise
        return True

    def blob(self, name, data):
        if self.has(f"/v2/{name}/blobs/{digest(data)}"):
            return
        place = self.ask("POST", f"/v2/{name}/blobs/uploads/", b"").headers["Location"]
        place += ("&" if "?" in place else "?") + "digest=" + digest(data)
        self.ask("PUT", place, data, Content_Type="application/octet-stream").close()

    def push(self, name, tags, files, config):
        packed, plain = layer(files)
        settings = json.dumps(
            {
                "architecture": "amd64",
                "os": "linux",
                "created": "2026-01-01T00:00:00Z",
                "config": config,
                "rootfs": {"type": "layers", "diff_ids": [plain]},
                "history": [{"created": "2026-01-01T00:00:00Z", "created_by": "lab/images.py"}],
            }
        ).encode()
        kind = "application/vnd.docker.distribution.manifest.v2+json"
        manifest = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": kind,
                "config": {
                    "mediaType": "application/vnd.docker.container.image.v1+json",
                    "size": len(settings),
                    "digest": digest(settings),
                },
                "layers": [
                    {
                        "mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip",
                        "size": len(packed),
                        "digest": digest(packed),
                    }
                ],
            }
        ).encode()
        self.blob(name, packed)
        self.blob(name, settings)
        for tag in tags:
            self.ask("PUT", f"/v2/{name}/manifests/{tag}", manifest, Content_Type=kind).close()
        print(f"{name}:{','.join(tags)} {len(packed) // 1024} KiB")


def main(url, ca, work):
    registry = Registry(url, ca)
    registry.wait(30)
    with open(f"{work}/whoami", "rb") as program:
        whoami = program.read()
    with open(f"{work}/busybox", "rb") as program:
        busybox = program.read()
    path = ["PATH=/bin"]
    registry.push(
        "whoami",
        ["v1.11", "latest"],
        {"whoami": (0o755, whoami)},
        {"Entrypoint": ["/whoami"], "ExposedPorts": {"80/tcp": {}}},
    )
    # v1.12: another image id under another tag, for upgrades
    registry.push(
        "whoami",
        ["v1.12"],
        {"whoami": (0o755, whoami), "etc": (0o755, None), "etc/whoami-release": (0o644, b"v1.12\n")},
        {"Entrypoint": ["/whoami"], "ExposedPorts": {"80/tcp": {}}},
    )
    shell = {
        "bin": (0o755, None),
        "tmp": (0o1777, None),
        "etc": (0o755, None),
        "etc/passwd": (0o644, b"root:x:0:0:root:/:/bin/sh\n"),
        "bin/busybox": (0o755, busybox),
    }
    shell |= {f"bin/{name}": (0o777, "busybox") for name in APPLETS}
    registry.push("busybox", ["1.37", "latest"], shell, {"Cmd": ["/bin/sh"], "Env": path})
    registry.push(
        "httpd",
        ["1.0", "latest"],
        shell | {"www": (0o755, None), "www/index.html": (0o644, b"<h1>It works, over IPv6.</h1>\n")},
        {"Cmd": ["/bin/httpd", "-f", "-v", "-p", "80", "-h", "/www"], "Env": path, "ExposedPorts": {"80/tcp": {}}},
    )


if __name__ == "__main__":
    main(*sys.argv[1:4])
