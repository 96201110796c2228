"""The names of the fields of the kinds people write by hand: a misspelt one is found, as the API does it.

``name:Type`` says what stands below a field (in a list: in each item); what has no type may hold anything.
"""

from __future__ import annotations

import string
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from releaseconsole.sandbox.store.kinds import Kind, Obj
from releaseconsole.sandbox.store.refusals import StoreError, bad_request

_MOST_NAMED = 10
_SAFE = frozenset(string.ascii_letters + string.digits + "_-.[]/:$ ")

_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "Deployment": "apiVersion kind metadata:ObjectMeta spec:DeploymentSpec status",
        "DeploymentSpec": (
            "minReadySeconds paused progressDeadlineSeconds replicas revisionHistoryLimit "
            "selector:LabelSelector strategy:DeploymentStrategy template:PodTemplate"
        ),
        "DeploymentStrategy": "rollingUpdate:RollingUpdateDeployment type",
        "RollingUpdateDeployment": "maxSurge maxUnavailable",
        "LabelSelector": "matchExpressions matchLabels",
        "PodTemplate": "metadata:ObjectMeta spec:PodSpec",
        "ObjectMeta": (
            "annotations creationTimestamp deletionGracePeriodSeconds deletionTimestamp finalizers "
            "generateName generation labels managedFields name namespace ownerReferences "
            "resourceVersion selfLink uid"
        ),
        "PodSpec": (
            "activeDeadlineSeconds affinity automountServiceAccountToken containers:Container dnsConfig "
            "dnsPolicy enableServiceLinks ephemeralContainers evictionResponders hostAliases hostIPC "
            "hostNetwork hostPID hostUsers hostname hostnameOverride imagePullSecrets "
            "initContainers:Container nodeName nodeSelector os overhead preemptionPolicy priority "
            "priorityClassName readinessGates resourceClaims resources:ResourceRequirements "
            "restartPolicy runtimeClassName schedulerName schedulingGates schedulingGroup "
            "securityContext serviceAccount serviceAccountName setHostnameAsFQDN shareProcessNamespace "
            "subdomain terminationGracePeriodSeconds tolerations topologySpreadConstraints "
            "volumes:Volume"
        ),
        "Container": (
            "args command env:EnvVar envFrom:EnvFromSource image imagePullPolicy lifecycle "
            "livenessProbe:Probe name ports:ContainerPort readinessProbe:Probe resizePolicy "
            "resources:ResourceRequirements restartPolicy restartPolicyRules securityContext "
            "startupProbe:Probe stdin stdinOnce terminationMessagePath terminationMessagePolicy tty "
            "volumeDevices volumeMounts:VolumeMount workingDir"
        ),
        "ContainerPort": "containerPort hostIP hostPort name protocol",
        "EnvVar": "name value valueFrom:EnvVarSource",
        "EnvVarSource": "configMapKeyRef fieldRef fileKeyRef resourceFieldRef secretKeyRef",
        "EnvFromSource": "configMapRef prefix secretRef",
        "Probe": (
            "exec failureThreshold grpc httpGet:HTTPGetAction initialDelaySeconds periodSeconds "
            "successThreshold tcpSocket terminationGracePeriodSeconds timeoutSeconds"
        ),
        "HTTPGetAction": "host httpHeaders path port protocol scheme",
        "ResourceRequirements": "claims limits requests",
        "VolumeMount": (
            "bindMountOptions mountPath mountPropagation name readOnly recursiveReadOnly subPath subPathExpr"
        ),
        "Volume": (
            "awsElasticBlockStore azureDisk azureFile cephfs cinder configMap csi downwardAPI emptyDir "
            "ephemeral fc flexVolume flocker gcePersistentDisk gitRepo glusterfs hostPath image iscsi "
            "name nfs persistentVolumeClaim photonPersistentDisk portworxVolume projected quobyte rbd "
            "scaleIO secret storageos vsphereVolume"
        ),
        "Service": "apiVersion kind metadata:ObjectMeta spec:ServiceSpec status",
        "ServiceSpec": (
            "allocateLoadBalancerNodePorts clusterIP clusterIPs externalIPs externalName "
            "externalTrafficPolicy healthCheckNodePort internalTrafficPolicy ipFamilies ipFamilyPolicy "
            "loadBalancerClass loadBalancerIP loadBalancerSourceRanges ports:ServicePort "
            "publishNotReadyAddresses selector sessionAffinity sessionAffinityConfig "
            "trafficDistribution type"
        ),
        "ServicePort": "appProtocol name nodePort port protocol targetPort",
        "Pod": "apiVersion kind metadata:ObjectMeta spec:PodSpec status",
        "ConfigMap": "apiVersion binaryData data immutable kind metadata:ObjectMeta",
        "Secret": "apiVersion data immutable kind metadata:ObjectMeta stringData type",
        "HorizontalPodAutoscaler": (
            "apiVersion kind metadata:ObjectMeta spec:HorizontalPodAutoscalerSpec status"
        ),
        "HorizontalPodAutoscalerSpec": (
            "behavior maxReplicas metrics minReplicas scaleTargetRef targetCPUUtilizationPercentage"
        ),
        "PodDisruptionBudget": "apiVersion kind metadata:ObjectMeta spec:PodDisruptionBudgetSpec status",
        "PodDisruptionBudgetSpec": (
            "maxUnavailable minAvailable selector:LabelSelector unhealthyPodEvictionPolicy"
        ),
        "StatefulSet": "apiVersion kind metadata:ObjectMeta spec:StatefulSetSpec status",
        "StatefulSetSpec": (
            "minReadySeconds ordinals persistentVolumeClaimRetentionPolicy podManagementPolicy replicas "
            "revisionHistoryLimit selector:LabelSelector serviceName template:PodTemplate "
            "updateStrategy volumeClaimTemplates"
        ),
        "DaemonSet": "apiVersion kind metadata:ObjectMeta spec:DaemonSetSpec status",
        "DaemonSetSpec": (
            "minReadySeconds revisionHistoryLimit selector:LabelSelector template:PodTemplate updateStrategy"
        ),
    }
)


def unknown_fields(row: Kind, obj: Obj) -> list[str]:
    """The paths of fields that the kind has not got, for example ``spec.replcas``; the first few of them."""
    found: list[str] = []
    if row.kind in _TYPES:
        for path in _unknown(obj, row.kind, ""):
            found.append(path)
            if len(found) == _MOST_NAMED:
                break
    return found


def prune(row: Kind, obj: Obj) -> None:
    """Takes out of an object the fields that its kind has not got, as the API server drops them."""
    if row.kind in _TYPES:
        _prune(obj, row.kind)


def _prune(value: Any, name: str) -> None:
    if isinstance(value, list):
        for item in value:
            _prune(item, name)
    elif isinstance(value, dict):
        known = dict(entry.partition(":")[::2] for entry in _TYPES[name].split())
        for key in value.keys() - known.keys():
            del value[key]
        for key, below in value.items():
            if known[key]:
                _prune(below, known[key])


def refused(row: Kind, fields: list[str]) -> StoreError:
    """400, as ``fieldValidation=Strict`` asks for it."""
    said = ", ".join(f'unknown field "{field}"' for field in fields)
    return bad_request(
        f'{row.kind} in version "{row.version}" cannot be handled as a {row.kind}: '
        f"strict decoding error: {said}"
    )


def warning(fields: list[str]) -> str:
    """The ``Warning`` header, as ``fieldValidation=Warn`` asks for it."""
    return ", ".join(f'299 - "unknown field \\"{_plain(field)}\\""' for field in fields)


def _plain(text: str) -> str:
    """Nothing that would end a header or its quotes."""
    return "".join(letter if letter in _SAFE else "?" for letter in text)


def _unknown(value: Any, name: str, path: str) -> Iterator[str]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _unknown(item, name, f"{path}[{index}]")
    elif isinstance(value, dict):
        known = dict(entry.partition(":")[::2] for entry in _TYPES[name].split())
        for key, below in value.items():
            place = f"{path}.{key}" if path else key
            if key not in known:
                yield place[:300]
            elif known[key]:
                yield from _unknown(below, known[key], place)
