"""A real control plane on loopback: etcd, API server, controllers and scheduler, and kwok for the kubelets.

``start`` brings it up in a folder of its own on free ports, ``close`` leaves nothing behind. Its processes belong
to a guardian (see there), which ends them when the test run is killed.
"""

from __future__ import annotations

import base64
import json
import random
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import trustme
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

ADMIN, READER, STRANGER = "admin", "reader", "stranger"
USERS = {ADMIN: "system:masters", READER: "readers", STRANGER: "strangers"}
"""Users and their group. A reader may read what the role below says; a stranger may do nothing."""
READABLE = {"": ("pods", "pods/log", "services"), "apps": ("deployments", "replicasets")}
NODES = ("node-1", "node-2", "node-3")
LOG_CONTAINERS = ("first", "second", "third", "fourth")
"""Containers of these names have a log file of their own."""
CLIENTS = ("kube-controller-manager", "kube-scheduler", "kwok")
CONTROLLERS = "deployment,replicaset,statefulset,daemonset,endpointslice,garbagecollector,namespace"
_TLS = ("server.pem", "server.key")
_PATIENCE = 60.0
_KWOK_YAML = Path(__file__).with_name("kwok.yaml")


@dataclass(slots=True)
class Ports:
    """Free ports below those that the system gives to outgoing connections, so that a restart finds them free."""

    taken: set[int] = field(default_factory=set)

    def free(self) -> int:
        while True:
            port = random.randint(20_000, 32_000)
            if port not in self.taken and _bindable(port):
                self.taken.add(port)
                return port


class ControlPlane:
    """A running control plane, and what a test does to it."""

    def __init__(self, programs: Mapping[str, Path]) -> None:
        self.programs = programs
        self.folder = Path(tempfile.mkdtemp(prefix="releaseconsole-control-plane-"))
        self.authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
        ports = Ports()
        self.port, self._etcd, self._etcd_peer, self._kubelet = (ports.free() for _ in range(4))
        self.server = f"https://127.0.0.1:{self.port}"
        self.tokens = {user: f"{user}-{random.getrandbits(64):x}" for user in USERS}
        self._guardian = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("guardian.py")), str(self.folder)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        self._write_files()
        self.api = self.http(ADMIN)

    @property
    def etcd(self) -> str:
        """Address of etcd's own API."""
        return f"http://127.0.0.1:{self._etcd}"

    @property
    def guardian(self) -> int:
        """Process id of the guardian."""
        return self._guardian.pid

    def start(self) -> None:
        """Start everything; returns when pods can run. Raises RuntimeError with the log of what failed."""
        self.start_program("etcd")
        self.start_program("kube-apiserver")
        self.wait_ready()
        self._create_basics()
        for name in CLIENTS:
            self.start_program(name)
        self.wait_for(self._nodes_ready, "nodes that are ready")

    def close(self) -> None:
        """End every process and remove the folder."""
        self.api.close()
        self._guardian.communicate()
        # The guardian has done this, unless somebody has killed it.
        shutil.rmtree(self.folder, ignore_errors=True)

    def start_program(self, name: str) -> None:
        """Start one program, or start it again."""
        self._order("start", name, [str(self.programs[name]), *self._options()[name]])

    def start_other(self, name: str, *options: str) -> None:
        """Start a program that is not part of every control plane, or start it again; ``kill`` ends it."""
        self._order("start", name, [str(self.programs[name]), *options])

    def kill(self, name: str) -> None:
        """SIGKILL one program."""
        self._order("kill", name)

    @contextmanager
    def without(self, name: str) -> Iterator[None]:
        """One program is dead for a while: a cluster that stands still at a chosen moment."""
        self.kill(name)
        try:
            yield
        finally:
            self.start_program(name)

    def restart_api_server(self) -> None:
        """SIGKILL the API server, start it and wait until everything works again."""
        self.kill("kube-apiserver")
        self.start_program("kube-apiserver")
        self.recover()

    def recover(self) -> None:
        """Wait for the API server after an outage, and start the controllers anew.

        They would come back by themselves, but only after a pause that grows to half a minute.
        """
        self.wait_ready()
        for name in CLIENTS:
            self.start_program(name)

    def compact(self) -> None:
        """Make etcd forget every state but the present one."""
        everything = {"key": "AA==", "range_end": "AA==", "count_only": True}
        with httpx.Client(base_url=self.etcd, trust_env=False) as store:
            found = store.post("/v3/kv/range", json=everything).raise_for_status().json()
            revision = found["header"]["revision"]
            store.post("/v3/kv/compaction", json={"revision": revision}).raise_for_status()

    def wait_ready(self) -> None:
        """Wait until the API server says that it is ready."""
        self.wait_for(self._api_ready, "the API server")

    def wait_for(self, holds: Callable[[], bool], what: str, seconds: float = _PATIENCE) -> None:
        """Wait until ``holds()``. Raises RuntimeError after ``seconds``, or when a program has ended."""
        end = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > end:
                raise RuntimeError(f"{what} did not come within {seconds:.0f} s.\n{self._logs()}")
            time.sleep(0.05)

    def http(self, user: str) -> httpx.Client:
        """A plain HTTP client with a user's token: the tests' own eyes."""
        return httpx.Client(
            base_url=self.server,
            headers={"Authorization": f"Bearer {self.tokens[user]}"},
            verify=self.trust(),
            timeout=30,
            trust_env=False,
        )

    def trust(self) -> ssl.SSLContext:
        """TLS settings that trust this control plane alone."""
        context = ssl.create_default_context()
        self.authority.configure_trust(context)
        return context

    def kubeconfig(self, path: Path, users: Mapping[str, Mapping[str, Any]], server: str = "") -> Path:
        """Write a kubeconfig with one context for each of ``users``, all for ``server``."""
        authority = base64.b64encode(self.authority.cert_pem.bytes()).decode()
        cluster = {"server": server or self.server, "certificate-authority-data": authority}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": next(iter(users)),
            "clusters": [{"name": "plane", "cluster": cluster}],
            "users": [{"name": name, "user": dict(user)} for name, user in users.items()],
            "contexts": [{"name": name, "context": {"cluster": "plane", "user": name}} for name in users],
        }
        path.write_text(yaml.safe_dump(config))
        return path

    def log_file(self, container: str) -> Path:
        """What every container of this name is said to have written, as a container runtime writes it."""
        return self.folder / f"{container}.container.log"

    def _order(self, *words: Any) -> Any:
        assert self._guardian.stdin is not None
        assert self._guardian.stdout is not None
        self._guardian.stdin.write(json.dumps(words) + "\n")
        self._guardian.stdin.flush()
        return json.loads(self._guardian.stdout.readline())

    def _options(self) -> dict[str, list[str]]:
        admin = f"--kubeconfig={self.folder / 'admin.yaml'}"
        certificate = [f"--tls-cert-file={_TLS[0]}", f"--tls-private-key-file={_TLS[1]}"]
        peer = f"http://127.0.0.1:{self._etcd_peer}"
        no_port = ["--secure-port=0", "--leader-elect=false", "--kube-api-qps=500", "--kube-api-burst=1000"]
        return {
            "etcd": [
                "--data-dir=etcd", "--unsafe-no-fsync", "--log-level=warn",
                f"--listen-client-urls={self.etcd}", f"--advertise-client-urls={self.etcd}",
                f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}",
                f"--initial-cluster=default={peer}",
            ],
            "kube-apiserver": [
                f"--etcd-servers={self.etcd}", f"--secure-port={self.port}", "--bind-address=127.0.0.1",
                "--cert-dir=apiserver", *certificate, "--client-ca-file=ca.pem",
                "--token-auth-file=tokens.csv", "--authorization-mode=RBAC",
                "--service-account-key-file=accounts.key", "--service-account-signing-key-file=accounts.key",
                "--service-account-issuer=https://kubernetes.default.svc",
                "--service-cluster-ip-range=10.96.0.0/16", "--endpoint-reconciler-type=none",
                # Nodes are ready from the start, and none is ever lost: no controller that looks after them.
                "--disable-admission-plugins=ServiceAccount,TaintNodesByCondition",
            ],
            "kube-controller-manager": [admin, f"--controllers={CONTROLLERS}", *no_port],
            "kube-scheduler": [admin, *no_port],
            "kwok": [
                admin, "--config=kwok.yaml", "--manage-all-nodes", "--node-ip=127.0.0.1",
                f"--node-port={self._kubelet}", f"--server-address=127.0.0.1:{self._kubelet}", *certificate,
            ],
        }  # fmt: skip

    def _write_files(self) -> None:
        certificate = self.authority.issue_cert("127.0.0.1", "localhost", "api.test")
        certificate.private_key_pem.write_to_path(self.folder / _TLS[1])
        for index, part in enumerate(certificate.cert_chain_pems):
            part.write_to_path(self.folder / _TLS[0], append=index > 0)
        self.authority.cert_pem.write_to_path(self.folder / "ca.pem")
        self._write("accounts.key", _rsa_key())
        lines = [f'{self.tokens[user]},{user},{user}-uid,"{group}"' for user, group in USERS.items()]
        self._write("tokens.csv", "\n".join(lines).encode())
        self.kubeconfig(self.folder / "admin.yaml", {ADMIN: {"token": self.tokens[ADMIN]}})
        logs = [
            {"containers": [name], "logsFile": str(self.log_file(name)), "follow": True}
            for name in LOG_CONTAINERS
        ]
        cluster_logs = {
            "apiVersion": "kwok.x-k8s.io/v1alpha1",
            "kind": "ClusterLogs",
            "metadata": {"name": "logs"},
            "spec": {"logs": logs},
        }
        self._write("kwok.yaml", _KWOK_YAML.read_bytes() + b"---\n" + yaml.safe_dump(cluster_logs).encode())
        for name in LOG_CONTAINERS:
            self.log_file(name).touch()

    def _write(self, name: str, data: bytes) -> None:
        (self.folder / name).write_bytes(data)

    def _create_basics(self) -> None:
        for name in NODES:
            node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}}
            self.api.post("/api/v1/nodes", json=node).raise_for_status()
        role: dict[str, Any] = {"kind": "ClusterRole", "apiVersion": "rbac.authorization.k8s.io/v1"}
        rules = [
            {"apiGroups": [group], "resources": list(kinds), "verbs": ["get", "list", "watch"]}
            for group, kinds in READABLE.items()
        ]
        access = "/apis/rbac.authorization.k8s.io/v1"
        body: dict[str, Any] = {**role, "metadata": {"name": "reader"}, "rules": rules}
        self.api.post(f"{access}/clusterroles", json=body).raise_for_status()
        group = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": USERS[READER]}
        body = {
            **role,
            "kind": "ClusterRoleBinding",
            "metadata": {"name": "reader"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "reader"},
            "subjects": [group],
        }
        self.api.post(f"{access}/clusterrolebindings", json=body).raise_for_status()

    def _api_ready(self) -> bool:
        if (status := self._order("ended", "kube-apiserver")) is not None:
            raise RuntimeError(f"kube-apiserver ended with {status}.\n{self._logs()}")
        try:
            return self.api.get("/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def _nodes_ready(self) -> bool:
        nodes = self.api.get("/api/v1/nodes").json()["items"]
        return all(one.get("status", {}).get("phase") == "Running" for one in nodes)

    def _logs(self) -> str:
        ends = []
        for path in sorted(self.folder.glob("*.log")):
            lines = path.read_text(errors="replace").splitlines()[-8:]
            ends.append("\n".join([f"--- {path.name}", *lines]))
        return "\n".join(ends)


def _bindable(port: int) -> bool:
    with socket.socket() as one:
        try:
            one.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _rsa_key() -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
