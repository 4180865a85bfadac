# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changes containers through the docker SDK for Python, which works over Docker's and Podman's socket alike.

It is imported when something has to change, since that takes longer than all of a run without changes.
"""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import missing_required_lib

from ansible_collections.ipv6.services.plugins.module_utils._calls import Calls
from ansible_collections.ipv6.services.plugins.module_utils._container_spec import user_of
from ansible_collections.ipv6.services.plugins.module_utils._container_values import is_image_id, split_image
from ansible_collections.ipv6.services.plugins.module_utils._engine_reader import ODD, EngineError

_LOW_PORT = (
    "A user may listen there only from net.ipv4.ip_unprivileged_port_start on, which the role ipv6.services.host lowers"
    " where a service needs it."
)
# What the answer has, in lower case.
_MENDS = {
    "cannot expose privileged port": _LOW_PORT,  # rootlessport
    "(permission denied) for option": _LOW_PORT,  # pasta
    "permission denied\ncouldn't listen": _LOW_PORT,  # pasta of 2025 and later
    "couldn't set ipv4 route": "This host has no IPv4 default route: the user's ~/.config/containers/containers.conf needs"
    ' `pasta_options = ["--ipv6-only"]` below [network], for the sake of containers in networks.',
    "cannot assign requested address": "The address is not on this host: give it with ipv6.services.address first.",
    "address already in use": "Something else listens there; `ss -lntup` on the host says what.",
    "opening seccomp profile failed": "`security_opts` names it: put that file on this host first.",
    "catatonit": "Install the package catatonit, which Podman needs for `init`.",
}

# Seconds that an engine may take to stop a container beyond those that the container has.
STOP_MARGIN = 30
# Seconds that it may say it takes.
_LONGEST_STOP = 3600
# Seconds more than its timeout that any call to a user's engine may take.
_AT_LEAST = 5


class EngineSdk:
    """The calls that change something on one engine. Each raises EngineError with the call and the engine's answer."""

    def __init__(self, engine: str, socket_path: str, timeout: float, connections: int) -> None:
        """timeout: seconds without a sign of life after which a call fails; a stop may take as long as its container's."""
        self.engine = engine
        try:
            import docker
            import requests
            import urllib3
        except ImportError as exc:
            mend = "Debian and Ubuntu have it as python3-docker."
            raise EngineError(f"{missing_required_lib('docker')} {mend} ({exc})") from None

        class Client(docker.APIClient):
            # For a pull the SDK asks for no timeout at all, and so would wait for ever for a registry that is silent.
            def _set_request_timeout(self, options: dict[str, t.Any]) -> dict[str, t.Any]:
                return {**options, "timeout": options.get("timeout") or self.timeout}

        # While an answer is read, errors of the layers below come through, and those of what is no engine's answer.
        self._failures = (
            *ODD,
            docker.errors.DockerException,
            requests.exceptions.RequestException,
            urllib3.exceptions.HTTPError,
            OSError,
        )
        try:
            self._api = Client(
                base_url=f"unix://{socket_path}", version="auto", timeout=timeout, max_pool_size=max(10, connections)
            )
        except self._failures as exc:
            versions = str(docker.__version__), str(getattr(requests, "__version__", ""))
            raise EngineError(f"{engine} at {socket_path}: {exc}{sdk_mend(*versions)}") from None
        self.api_version: str = self._api.api_version

    def create(self, name: str, body: dict[str, t.Any]) -> str:
        """The id of the new container, which is not started."""
        return str(self._call(f"create {name}", lambda: self._api.create_container_from_config(body, name)["Id"]))

    def connect(self, container: str, network: str, endpoint: dict[str, t.Any]) -> None:
        body = {"Container": container, "EndpointConfig": endpoint}
        self._post(f"connect {container[:12]} to {network}", "/networks/{0}/connect", network, body)

    def update(self, container: str, body: dict[str, t.Any]) -> None:
        # The SDK's own method knows neither CPUs as NanoCpus nor PidsLimit.
        self._post(f"update {container[:12]}", "/containers/{0}/update", container, body)

    def start(self, container: str) -> None:
        self._call(f"start {container[:12]}", self._api.start, container)

    def unpause(self, container: str) -> None:
        self._call(f"unpause {container[:12]}", self._api.unpause, container)

    def stop(self, container: str, grace: int) -> None:
        """grace: seconds after which the engine kills it, before which it may not answer."""
        timeout = max(self._api.timeout, min(grace, _LONGEST_STOP) + STOP_MARGIN)

        def stop() -> None:
            response = self._api._post(self._api._url("/containers/{0}/stop", container), timeout=timeout)
            self._api._raise_for_status(response)

        self._call(f"stop {container[:12]}", stop, within=timeout)

    def rename(self, container: str, name: str) -> None:
        self._call(f"rename {container[:12]} to {name}", self._api.rename, container, name)

    def remove(self, container: str, force: bool = False) -> None:
        """Its volumes stay. One that is gone already is no error."""
        try:
            self._call(f"remove {container[:12]}", self._api.remove_container, container, v=False, force=force)
        except EngineError as exc:
            if exc.status != 404:
                raise

    def logs(self, container: str, lines: int) -> list[str]:
        """The last lines that it wrote; none where its log driver keeps none."""
        try:
            text = self._call("logs", self._api.logs, container, stdout=True, stderr=True, tail=lines)
        except EngineError:
            return []
        return t.cast("bytes", text).decode("utf-8", "replace").splitlines()[-lines:]

    def pull(self, image: str) -> None:
        """Bring the image, with the credentials that the user who runs this has in the engine's store."""
        if is_image_id(image):
            raise EngineError(f"{image} is an id, which can't be pulled. Name the image, or load it on the host.")
        repository, tag = split_image(image)
        for line in self._call(f"pull {image}", self._pull_lines, repository, tag, within=10 * self._api.timeout):
            if isinstance(line, dict) and "error" in line:
                raise EngineError(f"pull {image} on {self.engine}: {line['error']}")

    def _pull_lines(self, repository: str, tag: str) -> list[dict[str, t.Any]]:
        if user_of(self.engine) is None:
            return list(self._api.pull(repository, tag=tag, stream=True, decode=True))
        # The SDK would hand the credentials of root to the user's engine, which has the user's own.
        query = {"fromImage": repository, "tag": tag}
        response = self._api._post(self._api._url("/images/create"), params=query, stream=True, timeout=None)
        self._api._raise_for_status(response)
        return list(self._api._stream_helper(response, decode=True))

    def _post(self, what: str, path: str, name: str, body: dict[str, t.Any]) -> None:
        def post() -> None:
            response = self._api._post_json(self._api._url(path, name), data=body)
            self._api._raise_for_status(response)

        self._call(what, post)

    def _call(
        self, what: str, call: t.Callable[..., t.Any], *args: t.Any, within: float = 0, **options: t.Any
    ) -> t.Any:
        """within: seconds after which a user's engine counts as silent though it sends something now and then."""
        try:
            if user_of(self.engine) is None:
                return call(*args, **options)
            return _bounded(lambda: call(*args, **options), _AT_LEAST + max(within, self._api.timeout))
        except self._failures as exc:
            answer = str(getattr(exc, "explanation", None) or exc).rstrip(". \n")
            status = getattr(exc, "status_code", None) or 0
            mends = [mend for sign, mend in _MENDS.items() if sign in answer.lower()]
            raise EngineError(" ".join([f"{what} on {self.engine}: {answer}.", *mends]), status) from None


def _bounded(call: t.Callable[[], t.Any], seconds: float) -> t.Any:
    """The same as call(), or TimeoutError: what sends a byte now and then is never silent for as long as a timeout."""
    calls = Calls({"": call})
    if not calls.wait(seconds):
        raise TimeoutError(f"no whole answer within {seconds:g} s")
    return calls.results()[""]


def sdk_mend(sdk: str, requests: str) -> str:
    """Why an SDK that is older than its requests can't connect to any socket."""
    if _version(sdk) < (7, 1) and _version(requests) >= (2, 32):
        return (
            f". The docker SDK {sdk} does not work with requests {requests}:"
            " install docker 7.1 or later, or requests before 2.32."
        )
    return ""


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:2] if part.isdigit())
