"""Every way to an API server that a kubeconfig can describe, against a real one."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from bench import Bench
from control_plane import ADMIN, READER, STRANGER, USERS, ControlPlane
from gate import Gate

from releaseconsole.cluster import kubeconfig as files
from releaseconsole.cluster.connect import Client, connect
from releaseconsole.errors import Denied, KubeconfigError, Unreachable
from releaseconsole.outside.kubeconfig import command_environment
from releaseconsole.plan.model import Target

WHO_AM_I = "/apis/authentication.k8s.io/v1/selfsubjectreviews"


async def user_of(client: Client) -> tuple[str, list[str]]:
    """Who the API server takes us for, and the groups."""
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    info = json.loads(await client.request("POST", WHO_AM_I, body=body))["status"]["userInfo"]
    return info["username"], info.get("groups", [])


def write(path: Path, document: dict[str, Any]) -> Path:
    path.write_text(yaml.safe_dump(document), "utf-8")
    return path


def cluster(plane: ControlPlane, **more: str) -> dict[str, str]:
    authority = base64.b64encode(plane.authority.cert_pem.bytes()).decode()
    return {"server": plane.server, "certificate-authority-data": authority, **more}


def config(plane: ControlPlane, user: dict[str, Any], **more: str) -> dict[str, Any]:
    return {
        "clusters": [{"name": "plane", "cluster": cluster(plane, **more)}],
        "users": [{"name": "me", "user": user}],
        "contexts": [{"name": "uat", "context": {"cluster": "plane", "user": "me"}}],
    }


async def test_a_context_may_be_spread_over_several_files(
    control_plane: ControlPlane, tmp_path: Path, bench: Bench
) -> None:
    """Context, cluster and user in a file each; a later file cannot take an entry over. As kubectl has it."""
    whole = config(control_plane, {"token": control_plane.tokens[READER]})
    paths = [write(tmp_path / section, {section: whole[section]}) for section in whole]
    stolen = config(control_plane, {"token": control_plane.tokens[ADMIN]}, server="https://127.0.0.1:1")
    paths.append(write(tmp_path / "later", stolen))
    async with await connect("uat", kubeconfig=paths) as client:
        assert (await user_of(client))[0] == READER
    theirs = await asyncio.create_subprocess_exec(
        str(bench.plane.programs["kubectl"]),
        *("auth", "whoami", "-o", "json", "--context=uat"),
        env={"KUBECONFIG": ":".join(map(str, paths)), "HOME": str(tmp_path)},
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await theirs.communicate()
    assert json.loads(out)["status"]["userInfo"]["username"] == READER


@pytest.mark.parametrize("inline", [True, False])
async def test_a_client_certificate_says_who_we_are(
    inline: bool, control_plane: ControlPlane, tmp_path: Path
) -> None:
    leaf = control_plane.authority.issue_cert(
        "carol.test", common_name="carol", organization_name=USERS[READER]
    )
    key, certificate = leaf.private_key_pem.bytes(), leaf.cert_chain_pems[0].bytes()
    if inline:
        user = {
            "client-certificate-data": base64.b64encode(certificate).decode(),
            "client-key-data": base64.b64encode(key).decode(),
        }
    else:
        (tmp_path / "carol.pem").write_bytes(certificate)
        (tmp_path / "carol.key").write_bytes(key)
        user = {"client-certificate": "carol.pem", "client-key": "carol.key"}
    path = write(tmp_path / "config", config(control_plane, user))
    async with await connect("uat", kubeconfig=path) as client:
        name, groups = await user_of(client)
        assert (name, USERS[READER] in groups) == ("carol", True)
        assert await client.get("/api/v1/namespaces/default/pods")


async def test_a_certificate_of_another_authority_is_not_accepted(
    control_plane: ControlPlane, tmp_path: Path
) -> None:
    other = type(control_plane.authority)()
    leaf = other.issue_cert("mallory.test", common_name="mallory", organization_name="system:masters")
    user = {
        "client-certificate-data": base64.b64encode(leaf.cert_chain_pems[0].bytes()).decode(),
        "client-key-data": base64.b64encode(leaf.private_key_pem.bytes()).decode(),
    }
    path = write(tmp_path / "config", config(control_plane, user))
    async with await connect("uat", kubeconfig=path) as client:
        with pytest.raises((Denied, Unreachable)) as caught:
            await client.get("/api/v1/namespaces/default/pods")
    assert caught.value.remedy


async def test_a_server_with_a_certificate_of_another_authority_is_not_trusted(
    control_plane: ControlPlane, tmp_path: Path
) -> None:
    other = type(control_plane.authority)()
    authority = base64.b64encode(other.cert_pem.bytes()).decode()
    user = {"token": control_plane.tokens[ADMIN]}
    body = config(control_plane, user, **{"certificate-authority-data": authority})
    async with await connect("uat", kubeconfig=write(tmp_path / "config", body)) as client:
        with pytest.raises(Unreachable, match="No trusted TLS connection"):
            await client.get("/version")


async def test_a_token_file_that_rotates_is_read_again(control_plane: ControlPlane, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(control_plane.tokens[READER] + "\n")
    path = write(tmp_path / "config", config(control_plane, {"tokenFile": "token"}))
    async with await connect("uat", kubeconfig=path) as client:
        assert (await user_of(client))[0] == READER
        token.write_text("not a token any more")
        assert (await user_of(client))[0] == READER, "a token that is good is used on"
    async with await connect("uat", kubeconfig=path) as client:
        with pytest.raises(Denied, match="does not accept the credentials"):
            await user_of(client)
        token.write_text(control_plane.tokens[STRANGER])
        assert (await user_of(client))[0] == STRANGER


async def test_tls_server_name_is_what_the_certificate_has_to_say(
    control_plane: ControlPlane, tmp_path: Path
) -> None:
    user = {"token": control_plane.tokens[READER]}
    for name, fine in (("api.test", True), ("elsewhere.test", False)):
        path = write(tmp_path / name, config(control_plane, user, **{"tls-server-name": name}))
        async with await connect("uat", kubeconfig=path) as client:
            if fine:
                assert (await user_of(client))[0] == READER
            else:
                with pytest.raises(Unreachable, match="No trusted TLS connection"):
                    await user_of(client)


class Proxy:
    """An HTTP proxy that knows CONNECT and nothing else."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.url = ""
        self._pipes: set[asyncio.Task[None]] = set()

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._pipes.add(task)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.asked.append(head.splitlines()[0])
            host, _, port = head.split()[1].rpartition(":")
            there, back = await asyncio.open_connection(host, int(port))
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await asyncio.gather(_pipe(reader, back), _pipe(there, writer))
        except (OSError, asyncio.CancelledError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort()
            self._pipes.discard(task)

    async def hang_up(self) -> None:
        for pipe in list(self._pipes):
            pipe.cancel()
        await asyncio.gather(*self._pipes, return_exceptions=True)


async def _pipe(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await source.read(65536):
            target.write(data)
            await target.drain()
    target.transport.abort()


@asynccontextmanager
async def proxying() -> AsyncIterator[Proxy]:
    proxy = Proxy()
    server = await asyncio.start_server(proxy.take, "127.0.0.1", 0)
    proxy.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield proxy
    finally:
        server.close()
        await proxy.hang_up()


@pytest.mark.parametrize("name", ["", "api.test"])
async def test_a_proxy_url_is_used_for_every_connection(
    name: str, control_plane: ControlPlane, tmp_path: Path
) -> None:
    async with proxying() as proxy:
        more = {"proxy-url": proxy.url, **({"tls-server-name": name} if name else {})}
        path = write(
            tmp_path / "config", config(control_plane, {"token": control_plane.tokens[READER]}, **more)
        )
        async with await connect("uat", kubeconfig=path) as client:
            assert (await user_of(client))[0] == READER
        assert proxy.asked == [f"CONNECT 127.0.0.1:{control_plane.port} HTTP/1.1"]


async def test_a_proxy_that_is_not_there_is_a_sentence(control_plane: ControlPlane, tmp_path: Path) -> None:
    user = {"token": control_plane.tokens[READER]}
    path = write(tmp_path / "config", config(control_plane, user, **{"proxy-url": "http://127.0.0.1:1"}))
    async with await connect("uat", kubeconfig=path) as client:
        with pytest.raises(Unreachable) as caught:
            await client.get("/version")
    assert caught.value.message.startswith("The proxy 127.0.0.1:1 before https://127.0.0.1")
    assert "proxy-url" in caught.value.remedy


async def test_a_proxy_that_refuses_says_with_what(control_plane: ControlPlane, tmp_path: Path) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    user = {"token": control_plane.tokens[READER]}
    path = write(tmp_path / "config", config(control_plane, user, **{"proxy-url": url}))
    async with server, await connect("uat", kubeconfig=path) as client:
        with pytest.raises(Unreachable, match="HTTP 407, Proxy Authentication Required"):
            await client.get("/version")


async def test_an_exec_plugin_signs_in_and_a_failing_one_shows_its_stderr(
    control_plane: ControlPlane, tmp_path: Path
) -> None:
    token = tmp_path / "its-token"
    token.write_text(control_plane.tokens[READER])
    script = tmp_path / "plugin"
    script.write_text(
        f'#!/bin/sh\n[ -s "{token}" ] || {{ echo "session ended: run acme login" >&2; exit 7; }}\n'
        'printf \'{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential",'
        f'"status":{{"token":"%s"}}}}\' "$(cat "{token}")"\n'
    )
    script.chmod(0o700)
    plugin = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "./plugin",
        "interactiveMode": "Never",
    }
    path = write(tmp_path / "config", config(control_plane, {"exec": plugin}))
    async with await connect("uat", kubeconfig=path) as client:
        assert (await user_of(client))[0] == READER
    token.write_text("")
    with pytest.raises(KubeconfigError) as caught:
        await connect("uat", kubeconfig=path)
    assert "session ended: run acme login" in caught.value.message
    assert "code 7" in caught.value.message


@pytest.fixture
def pod(control_plane: ControlPlane, bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What a pod finds: the address in the environment, token and authority in a folder, and no kubeconfig."""
    account = tmp_path / "serviceaccount"
    account.mkdir()
    control_plane.authority.cert_pem.write_to_path(account / "ca.crt")
    (account / "token").write_text(_account_token(bench, "console"))
    monkeypatch.setattr(files, "ACCOUNT", account)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(control_plane.port))
    return account


def _account_token(bench: Bench, name: str) -> str:
    accounts = f"/api/v1/namespaces/{bench.namespace}/serviceaccounts"
    api: httpx.Client = bench.plane.api
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}}
    api.post(accounts, json=account).raise_for_status()
    asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    return str(api.post(f"{accounts}/{name}/token", json=asked).raise_for_status().json()["status"]["token"])


async def test_inside_of_a_pod_its_service_account_is_a_context(pod: Path, bench: Bench) -> None:
    assert files.contexts() == ["in-cluster"]
    async with await connect("in-cluster") as client:
        name, _ = await user_of(client)
    assert name == f"system:serviceaccount:{bench.namespace}:console"


async def test_inside_of_a_pod_a_kubeconfig_has_the_first_word(
    pod: Path, control_plane: ControlPlane, tmp_path: Path
) -> None:
    body = config(control_plane, {"token": control_plane.tokens[READER]})
    path = write(tmp_path / "config", body)
    assert files.contexts(path) == ["in-cluster", "uat"]
    body["contexts"][0]["name"] = "in-cluster"
    async with await connect("in-cluster", kubeconfig=write(path, body)) as client:
        assert (await user_of(client))[0] == READER
    with pytest.raises(KubeconfigError, match="no kubeconfig at"):
        await connect("in-cluster", kubeconfig=tmp_path / "missing")


async def test_a_shell_inside_of_a_pod_is_in_the_same_place(pod: Path, bench: Bench, tmp_path: Path) -> None:
    target = Target(context="in-cluster", namespace=bench.namespace)
    environ = {
        "KUBERNETES_SERVICE_HOST": "127.0.0.1",
        "KUBERNETES_SERVICE_PORT": str(bench.plane.port),
        "HOME": str(tmp_path),
    }
    async with command_environment(
        environ, environment="uat", targets=(target,), version="1", kubeconfig=None
    ) as own:
        ran = await bench.kubectl("auth", "whoami", "-o", "json", kubeconfig=Path(own["KUBECONFIG"]))
    assert ran.code == 0, ran.err
    user = json.loads(ran.out)["status"]["userInfo"]["username"]
    assert user == f"system:serviceaccount:{bench.namespace}:console"


@pytest.mark.parametrize("missing", ["token", "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"])
async def test_without_account_or_address_there_is_no_such_context(
    missing: str, pod: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if missing == "token":
        (pod / "token").unlink()
    else:
        monkeypatch.delenv(missing)
    with pytest.raises(KubeconfigError, match="no kubeconfig at"):
        await connect("in-cluster")


async def test_the_identity_is_the_uid_for_who_may_read_it_and_the_address_for_others(
    control_plane: ControlPlane, kubeconfig: Path
) -> None:
    namespace = control_plane.api.get("/api/v1/namespaces/kube-system").json()
    for user, uid in ((ADMIN, namespace["metadata"]["uid"]), (STRANGER, "")):
        async with await connect(user, kubeconfig=kubeconfig) as client:
            found = await client.identity()
        assert (found.server, found.uid) == (control_plane.server, uid)


async def test_a_connection_that_was_cut_puts_the_identity_in_doubt(gate: Gate, gated: Client) -> None:
    gated.in_doubt.clear()
    await gated.get("/version")
    assert not gated.in_doubt.is_set()
    stream = gated.stream("/api/v1/namespaces/default/pods", {"watch": True})
    assert await anext(stream) == b""
    gate.cut()
    with pytest.raises(Unreachable):
        await _drain(stream)
    assert gated.in_doubt.is_set()


async def _drain(stream: AsyncIterator[bytes]) -> None:
    async for _ in stream:
        pass
