"""The HealthPay release as manifests: what runs in the practice cluster, and what its workspace applies."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

Manifest = dict[str, Any]

NAMESPACE = "healthpay"
PORT = 8080
#: The version that the practice brings.
NEW_TAG = "1.0.0"
SERVICES = ("command-service", "api-gateway", "query-service")
#: Pods of each service in production; two everywhere else.
_IN_PRODUCTION: Mapping[str, int] = MappingProxyType(
    {"command-service": 4, "api-gateway": 6, "query-service": 4}
)


def replicas(context: str) -> dict[str, int]:
    """How many pods of each service a context runs."""
    return {name: _IN_PRODUCTION[name] if context == "production" else 2 for name in SERVICES}


def image(name: str, tag: str) -> str:
    """The image of a service's version."""
    return f"healthpay/{name}:{tag}"


def deployment(name: str, tag: str) -> Manifest:
    """A service's Deployment. The number of pods is not part of it: each cluster has its own."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": _labels(name)},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"},
            },
            "progressDeadlineSeconds": 60,
            "revisionHistoryLimit": 10,
            "template": {
                "metadata": {"labels": _labels(name)},
                "spec": {
                    "containers": [_container(name, tag)],
                    "terminationGracePeriodSeconds": 30,
                },
            },
        },
    }


def service(name: str) -> Manifest:
    """A service's Service."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": _labels(name)},
        "spec": {
            "type": "ClusterIP",
            "selector": {"app": name},
            "ports": [{"name": "http", "port": 80, "targetPort": "http"}],
        },
    }


def config_map() -> Manifest:
    """The settings all services read."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": "api-config",
            "namespace": NAMESPACE,
            "labels": {"app.kubernetes.io/part-of": NAMESPACE},
        },
        "data": {
            "LOG_LEVEL": "info",
            "OTP_REQUESTS_PER_MINUTE": "3",
            "DB_POOL_SIZE": "20",
            "SMS_PROVIDER": "practice",
            "DEFAULT_LOCALE": "ar-EG",
        },
    }


def _labels(name: str) -> dict[str, str]:
    return {"app": name, "app.kubernetes.io/part-of": NAMESPACE}


def _container(name: str, tag: str) -> Manifest:
    return {
        "name": name,
        "image": image(name, tag),
        "imagePullPolicy": "IfNotPresent",
        "ports": [{"name": "http", "containerPort": PORT}],
        "env": [{"name": "SERVICE_NAME", "value": name}, {"name": "PORT", "value": str(PORT)}],
        "envFrom": [{"configMapRef": {"name": "api-config"}}],
        "resources": {
            "requests": {"cpu": "250m", "memory": "256Mi"},
            "limits": {"cpu": "1", "memory": "512Mi"},
        },
        "readinessProbe": _probe("/health/ready", 5),
        "livenessProbe": _probe("/health/live", 10) | {"initialDelaySeconds": 10},
    }


def _probe(path: str, period: int) -> Manifest:
    return {"httpGet": {"path": path, "port": "http"}, "periodSeconds": period, "failureThreshold": 3}
