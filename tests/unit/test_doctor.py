"""The doctor's smaller questions: commands, links, secrets, clocks, names that are near, remarks on workloads."""

from __future__ import annotations

from email.utils import formatdate
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cli_runner import HEALTHPAY, Program

from releaseconsole.cluster.argo import Rollout
from releaseconsole.cluster.near import did_you_mean, meant, near_names
from releaseconsole.cluster.objects import Deployment, StatefulSet
from releaseconsole.doctor.connection import clock_skew
from releaseconsole.doctor.examine import Group, Report
from releaseconsole.doctor.finding import LONGEST, Finding, failed, ok, unknown, warning
from releaseconsole.doctor.machine import first_word, is_there
from releaseconsole.doctor.metrics import secret_findings
from releaseconsole.doctor.workloads import remarks
from releaseconsole.plan.model import Prometheus

NOW = 1_800_000_000.0


class TestCommands:
    @pytest.mark.parametrize(
        ("command", "word"),
        [
            ("kubectl get pods", "kubectl"),
            ("FOO=1 BAR='a b' ./deploy.sh --now", "./deploy.sh"),
            ('"my tool" -x', "my tool"),
            ("# only a comment", ""),
            ("$TOOL run", ""),
            ("`which sh` -c true", ""),
            ("", ""),
            ("echo 'no end", ""),
            ("x" * 100_000, "x" * 20_000),
        ],
    )
    def test_the_first_word_is_the_program_where_that_can_be_told(self, command: str, word: str) -> None:
        assert first_word(command) == word

    def test_a_program_is_looked_for_on_the_path_and_a_path_in_its_folder(self, tmp_path: Path) -> None:
        script = tmp_path / "bin" / "deploy.sh"
        script.parent.mkdir()
        script.write_text("#!/bin/sh\n")
        assert not is_there("bin/deploy.sh", tmp_path, {})
        script.chmod(0o755)
        assert is_there("bin/deploy.sh", tmp_path, {})
        assert not is_there("deploy.sh", tmp_path, {"PATH": "/nowhere"})
        assert is_there("deploy.sh", tmp_path, {"PATH": str(script.parent)})


class TestClocks:
    @pytest.mark.parametrize(("ahead", "took"), [(0.0, 0.1), (-0.9, 0.1), (-3.0, 2.5)])
    def test_within_the_whole_seconds_of_the_header_there_is_no_skew(self, ahead: float, took: float) -> None:
        assert clock_skew(formatdate(NOW + ahead, usegmt=True), NOW, took) == 0.0

    @pytest.mark.parametrize("ahead", [3_600.0, -90.0])
    def test_a_clock_that_is_wrong_is_measured(self, ahead: float) -> None:
        assert clock_skew(formatdate(NOW + ahead, usegmt=True), NOW, 0.1) == ahead

    @pytest.mark.parametrize("date", ["", "yesterday", "Mon, 99 Foo 2020 99:99:99 GMT", "\x00", "1" * 5_000])
    def test_a_header_that_is_no_date_tells_nothing(self, date: str) -> None:
        assert clock_skew(date, NOW, 0.1) is None


class TestNames:
    NAMES = ("api-gateway", "command-service", "query-service", "db")

    @pytest.mark.parametrize(
        ("name", "near"),
        [("api-gatway", "api-gateway"), ("gateway", "api-gateway"), ("query-servce", "query-service")],
    )
    def test_a_slip_finds_what_was_meant(self, name: str, near: str) -> None:
        assert near_names(name, self.NAMES)[0] == near
        assert f"deployment/{near}" in did_you_mean("deployment", name, self.NAMES)
        assert near in meant(name, self.NAMES)

    def test_nothing_near_names_some_of_those_that_exist(self) -> None:
        many = [f"service-{number}" for number in range(9)]
        assert meant("zzz", many) == ""
        assert did_you_mean("deployment", "zzz", many).endswith("deployment/service-4 and 4 more.")
        assert did_you_mean("deployment", "zzz", ()) == ""

    def test_names_from_outside_are_bounded_and_harmless(self) -> None:
        names = [f"web\x1b[31m{'x' * 5_000}{number}" for number in range(5_000)]
        assert len(did_you_mean("deployment", "web", names)) < 1_000
        assert "\x1b" not in did_you_mean("deployment", "web", names)


class TestSecrets:
    def test_variables_that_are_not_set_and_files_that_are_not_there_are_named(self, tmp_path: Path) -> None:
        place = Prometheus.model_validate(
            {
                "url": "https://prometheus.example",
                "token_env": "PROM_TOKEN",
                "ca_file": "ca.pem",
                "secret_headers": {"X-Key": "env:API_KEY", "X-Other": "file:other.txt"},
            }
        )
        lacking = [one.subject for one in secret_findings(place, {}, tmp_path)]
        assert lacking == ["PROM_TOKEN", "API_KEY", "ca.pem", "other.txt"]
        for name in ("ca.pem", "other.txt"):
            (tmp_path / name).write_text("x")
        assert not list(secret_findings(place, {"PROM_TOKEN": "t", "API_KEY": "k"}, tmp_path))


class TestRemarks:
    @staticmethod
    def of(kind: Any, **body: Any) -> list[str]:
        found = msgspec.convert(body, kind)
        return [one.sentence for one in remarks("kind/name", found)]

    def test_a_workload_with_nothing_odd_has_none(self) -> None:
        spec = {"replicas": 3, "updateStrategy": {"type": "RollingUpdate"}}
        assert self.of(StatefulSet, spec=spec) == []

    @pytest.mark.parametrize(
        ("kind", "body", "words"),
        [
            (Deployment, {"spec": {"paused": True}}, "is paused"),
            (Deployment, {"spec": {"revisionHistoryLimit": 0}}, "keeps no old revision"),
            (Deployment, {"spec": {"replicas": 0}}, "scaled to zero"),
            (Rollout, {"spec": {"workloadRef": {"name": "api"}}}, "takes its template from api"),
            (
                StatefulSet,
                {"spec": {"updateStrategy": {"type": "OnDelete"}}},
                "only when somebody deletes it",
            ),
            (Deployment, {"metadata": {"annotations": {"meta.helm.sh/release-name": "x"}}}, "Helm owns it"),
            (Deployment, {"metadata": {"labels": {"argocd.argoproj.io/instance": "x"}}}, "Argo CD owns it"),
        ],
    )
    def test_what_makes_a_rollback_harder_is_said(self, kind: Any, body: dict[str, Any], words: str) -> None:
        (sentence,) = self.of(kind, **body)
        assert words in sentence


class TestReport:
    FINE, ODD = ok("a", "s", "Fine."), warning("a", "s", "Odd.")
    LOST, BAD = unknown("a", "s", "Lost."), failed("a", "s", "Bad.")

    @pytest.mark.parametrize(
        ("findings", "code"),
        [
            ((), 0),
            ((FINE, ODD), 0),
            ((FINE, LOST), 3),
            ((LOST, BAD, ODD), 1),
        ],
    )
    def test_the_exit_code_tells_the_worst(self, findings: tuple[Finding, ...], code: int) -> None:
        assert Report((Group("uat", "uat/shop", findings),)).exit_code == code

    def test_words_from_outside_are_one_harmless_bounded_line(self) -> None:
        found = failed("a", "s\x1b[2J", "one\ntwo\x1b]0;x\x07" + "y" * 10_000, "\u202eremedy")
        for text in (found.subject, found.sentence, found.remedy):
            assert text.isprintable()
            assert len(text) <= LONGEST


class TestCommand:
    def test_an_environment_that_the_plan_does_not_have_is_wrong_use(self, tmp_path: Path) -> None:
        found = Program(tmp_path)("doctor", HEALTHPAY, "-e", "mars")
        found.refused(2, "no environment “mars”", "staging, uat, production")

    def test_without_a_kubeconfig_it_cannot_tell_and_says_so_for_every_environment(
        self, tmp_path: Path
    ) -> None:
        found = Program(tmp_path)("doctor", HEALTHPAY, "--json", "-e", "uat", "-e", "staging")
        targets = [group for group in found.document["groups"] if group["target"]]
        assert [group["target"] for group in targets] == ["staging/healthpay", "uat/healthpay"]
        for group in targets:
            (context,) = group["findings"]
            assert (context["area"], context["state"]) == ("context", "unknown")
            assert "There is no kubeconfig" in context["sentence"]

    def test_a_plan_with_a_kind_that_cannot_be_rolled_back_is_refused_at_once(self, tmp_path: Path) -> None:
        plan = tmp_path / "plan.toml"
        plan.write_text(
            HEALTHPAY.read_text("utf-8").replace("deployment/api-gateway", "job/migrate"), "utf-8"
        )
        for command in ("doctor", "check", "status", "rollback"):
            found = Program(tmp_path)(command, plan)
            found.refused(2, 'found "job/migrate"', "a kind that can be rolled back", "a job cannot")

    def test_a_short_kind_is_answered_with_the_long_one(self, tmp_path: Path) -> None:
        plan = tmp_path / "plan.toml"
        plan.write_text(HEALTHPAY.read_text("utf-8").replace("deployment/api-gateway", "deploy/web"), "utf-8")
        Program(tmp_path)("doctor", plan).refused(2, '"deployment/web"')
