"""What the engine has of the tests: instances whose names begin with `g-` in all projects, images,
and services that are not of the tests. Argument: its command line."""

import json
import subprocess
import sys


def query(path):
    return json.loads(subprocess.run([sys.argv[1], "query", path], check=True, capture_output=True, text=True).stdout)


def addresses(state):
    """Global IPv6 addresses of each NIC but lo."""
    networks = state.get("network") or {}
    found = [a for name, nic in networks.items() if name != "lo" for a in nic["addresses"]]
    return sorted(a["address"] for a in found if a["family"] == "inet6" and a["scope"] == "global")


def instances(project):
    """All of a project. The list has no config of one that somebody changes at this moment."""
    for item in query(f"/1.0/instances?recursion=2&project={project}"):
        if item["config"] is None:
            item = query(f"/1.0/instances/{item['name']}?recursion=1&project={project}")
        yield item


found, others, held, pids = {}, set(), {}, {}
for project in query("/1.0/projects?recursion=1"):
    for item in instances(project["name"]):
        service = item["config"].get("user.ipv6.services.name", "g-")
        if not service.startswith("g-"):
            others.add(service)
        if item["name"].startswith("g-"):
            found[item["name"]] = {
                "project": item["project"],
                "status": item["status"],
                "created": item["created_at"],
                "image": item["config"].get("volatile.base_image"),
                "profiles": item["profiles"],
                # what the engine itself writes there is another thing at each start
                "config": {k: v for k, v in item["config"].items() if not k.startswith(("volatile.", "image."))},
                "devices": item["devices"],
            }
            held[item["name"]] = addresses(item.get("state") or {})
            pids[item["name"]] = (item.get("state") or {}).get("pid")
images = sorted(image["fingerprint"] for image in query("/1.0/images?recursion=1"))
answer = {"instances": found, "addresses": held, "pids": pids, "images": images, "others": sorted(others)}
json.dump(answer, sys.stdout, sort_keys=True)
