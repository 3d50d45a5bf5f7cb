# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for AWX's REST API, as far as the modules of awx.awx use it to make things and to find them again.

It keeps of each object the fields that AWX 24.6 keeps, fills in what AWX fills in, hides secrets as AWX does, and
refuses what AWX refuses: that is what decides whether a second run changes anything. It starts no jobs.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

ROOT = "/api/v2/"
TOKEN = "token-of-the-tests"
HIDDEN = "$encrypted$"
NOTIFIED = ("notification_templates_started", "notification_templates_success", "notification_templates_error")
#: Endpoint -> the fields that it keeps, with what AWX fills in. Other fields of a request are ignored, as AWX does.
FIELDS: dict[str, dict[str, Any]] = {
    "organizations": {"name": None, "description": "", "max_hosts": 0, "default_environment": None},
    "execution_environments": {"name": None, "description": "", "image": None, "organization": None, "pull": "", "credential": None},
    "notification_templates": {
        "name": None, "description": "", "organization": None, "notification_type": None, "notification_configuration": {},
        "messages": {"started": None, "success": None, "error": None, "workflow_approval": None},
    },
    "credential_types": {"name": None, "description": "", "kind": None, "inputs": {}, "injectors": {}, "managed": False},
    "credentials": {"name": None, "description": "", "organization": None, "credential_type": None, "inputs": {}},
    "projects": {
        "name": None, "description": "", "organization": None, "scm_type": "", "scm_url": "", "scm_branch": "", "credential": None,
        "scm_update_on_launch": False, "allow_override": False, "default_environment": None, "scm_revision": "0" * 40, "timeout": 0,
    },
    "inventories": {"name": None, "description": "", "organization": None, "kind": "", "host_filter": None, "variables": ""},
    "inventory_sources": {
        "name": None, "description": "", "inventory": None, "source": "", "source_project": None, "source_path": "", "overwrite": False,
        "overwrite_vars": False, "update_on_launch": False, "execution_environment": None, "timeout": 0, "verbosity": 1,
        "status": "never updated",
    },
    "job_templates": {
        "name": None, "description": "", "organization": None, "job_type": "run", "inventory": None, "project": None, "playbook": "",
        "execution_environment": None, "extra_vars": "", "survey_enabled": False, "ask_variables_on_launch": False,
        "ask_limit_on_launch": False, "ask_job_slice_count_on_launch": False, "job_slice_count": 1, "allow_simultaneous": False,
        "timeout": 0, "verbosity": 0, "use_fact_cache": False, "become_enabled": False, "forks": 0, "limit": "", "diff_mode": False,
    },
    "workflow_job_templates": {
        "name": None, "description": "", "organization": None, "extra_vars": "", "survey_enabled": False, "allow_simultaneous": False,
        "ask_variables_on_launch": False, "inventory": None, "limit": None, "scm_branch": None,
    },
    "workflow_job_template_nodes": {
        "identifier": None, "workflow_job_template": None, "unified_job_template": None, "extra_data": {}, "inventory": None,
        "all_parents_must_converge": False, "limit": None, "timeout": None, "job_slice_count": None,
    },
    "workflow_approval_templates": {"name": None, "description": "", "timeout": 0},
    "schedules": {"name": None, "description": "", "unified_job_template": None, "rrule": None, "extra_data": {}, "enabled": True},
}  # fmt: skip
#: Endpoint -> what can be linked to an object of it.
LINKS = {
    "organizations": ("galaxy_credentials", "instance_groups", *NOTIFIED),
    "projects": NOTIFIED,
    "inventories": ("instance_groups",),
    "inventory_sources": NOTIFIED,
    "job_templates": ("credentials", "labels", "instance_groups", *NOTIFIED),
    "workflow_job_templates": ("labels", *NOTIFIED, "notification_templates_approvals"),
    "workflow_job_template_nodes": ("success_nodes", "failure_nodes", "always_nodes", "credentials", "labels"),
    "schedules": ("credentials", "labels"),
}
#: What a node of a workflow or a schedule can start.
STARTED = {
    "projects": "project",
    "inventory_sources": "inventory_source",
    "job_templates": "job_template",
    "workflow_job_templates": "workflow_job_template",
    "workflow_approval_templates": "workflow_approval_template",
}
WEBHOOK = {"url", "http_method", "disable_ssl_verification", "username", "password", "headers"}


class Refused(Exception):
    """An answer 400, in the words of a field."""


class Awx:
    """Everything that was made. `playbooks` are the files that a project would offer."""

    def __init__(self, playbooks: Callable[[str], bool]) -> None:
        self.playbooks = playbooks
        self.objects: dict[str, dict[int, dict[str, Any]]] = {endpoint: {} for endpoint in FIELDS}
        self.links: dict[tuple[str, int, str], list[int]] = {}
        self.surveys: dict[tuple[str, int], dict[str, Any]] = {}
        self.secrets: dict[tuple[int, str], str] = {}
        self.calls: list[tuple[str, str]] = []
        self.updates: list[int] = []
        self._last = 0
        self.make("credential_types", {"name": "Machine", "kind": "ssh", "managed": True})

    # ------------------------------------------------------------ looking

    def named(self, endpoint: str, name: str) -> dict[str, Any]:
        """The one object of that name (or identifier)."""
        (found,) = [
            each for each in self.objects[endpoint].values() if name in (each.get("name"), each.get("identifier"))
        ]
        return found

    def linked(self, endpoint: str, number: int, link: str) -> list[dict[str, Any]]:
        target = {"success_nodes": endpoint, "failure_nodes": endpoint, "always_nodes": endpoint}.get(link, link)
        target = "notification_templates" if link.startswith("notification_templates") else target
        return [self.objects[target][each] for each in self.links.get((endpoint, number, link), [])]

    def shown(self, endpoint: str, number: int) -> dict[str, Any]:
        """An object as GET shows it."""
        content = self.objects[endpoint][number]
        url = f"{ROOT}{endpoint}/{number}/"
        related = {"survey_spec": f"{url}survey_spec/", "update": f"{url}update/"}
        started = content.get("unified_job_template")
        if started:
            kind = next(kind for kind in STARTED if started in self.objects[kind])
            related["unified_job_template"] = f"{ROOT}{kind}/{started}/"
        summary: dict[str, Any] = {}
        if endpoint == "projects":
            summary["current_update"] = {"id": number}
        kind = STARTED.get(endpoint, endpoint.removesuffix("s"))
        return {"id": number, "type": kind, "url": url, "related": related, "summary_fields": summary, **content}

    def search(self, endpoint: str, query: dict[str, str]) -> list[dict[str, Any]]:
        kinds = STARTED if endpoint == "unified_job_templates" else [endpoint]
        every = [self.shown(kind, number) for kind in kinds for number in self.objects[kind]]
        for field in query:
            if field not in ("page_size", "or__id", "or__name") and not any(field in each for each in every) and every:
                raise Refused(f"{endpoint} has no field {field}")

        def fits(each: dict[str, Any]) -> bool:
            either = {field[4:]: value for field, value in query.items() if field.startswith("or__")}
            if either and not any(str(each.get(field)) == value for field, value in either.items()):
                return False
            return all(str(each.get(f)) == v for f, v in query.items() if f != "page_size" and not f.startswith("or__"))

        return [each for each in every if fits(each)]

    # ------------------------------------------------------------ making

    def make(self, endpoint: str, given: dict[str, Any]) -> dict[str, Any]:
        fields = FIELDS[endpoint]
        content = {**json.loads(json.dumps(fields)), **{key: value for key, value in given.items() if key in fields}}
        for field, default in fields.items():
            if default is None and field in ("name", "identifier", "image", "rrule", "kind") and not content.get(field):
                raise Refused(f"{field}: this field is required")
        self._check(endpoint, content)
        self._last += 1
        self.objects[endpoint][self._last] = self._hide(endpoint, self._last, content)
        return self.shown(endpoint, self._last)

    def change(self, endpoint: str, number: int, given: dict[str, Any]) -> dict[str, Any]:
        content = dict(self.objects[endpoint][number])
        content.update({key: value for key, value in given.items() if key in FIELDS[endpoint]})
        self._check(endpoint, content)
        self.objects[endpoint][number] = self._hide(endpoint, number, content)
        return self.shown(endpoint, number)

    def link(self, endpoint: str, number: int, link: str, given: dict[str, Any]) -> None:
        there = self.links.setdefault((endpoint, number, link), [])
        if given.get("disassociate"):
            there.remove(given["id"])
        else:
            there.append(given["id"])

    def approval(self, number: int, given: dict[str, Any]) -> dict[str, Any]:
        made = self.make("workflow_approval_templates", given)
        self.objects["workflow_job_template_nodes"][number]["unified_job_template"] = made["id"]
        return made

    def _hide(self, endpoint: str, number: int, content: dict[str, Any]) -> dict[str, Any]:
        if endpoint == "credentials":
            secret = ("ssh_key_data", "creds")
            for name in secret:
                value = content["inputs"].get(name)
                if value and value != HIDDEN:
                    self.secrets[(number, name)] = value
                    content["inputs"] = {**content["inputs"], name: HIDDEN}
        return content

    def _check(self, endpoint: str, content: dict[str, Any]) -> None:
        if endpoint == "job_templates":
            if not self.playbooks(content["playbook"]):
                raise Refused(f"playbook: {content['playbook']} not found for project")
            json.loads(content["extra_vars"] or "{}")
        if endpoint == "inventory_sources" and content["source"] == "scm":
            project = self.objects["projects"].get(content["source_project"])
            if not project or not project["scm_type"]:
                raise Refused("source_project: cannot use manual project for SCM-based inventory")
        if endpoint == "notification_templates" and set(content["notification_configuration"]) != WEBHOOK:
            raise Refused(f"notification_configuration: expected {sorted(WEBHOOK)}")
        if endpoint == "schedules" and "INTERVAL" not in content["rrule"]:
            raise Refused("rrule: INTERVAL required in rrule")
        if content.get("extra_data"):
            self._answers(content["unified_job_template"], content["extra_data"], whole=endpoint == "schedules")

    def _answers(self, template: int, answers: dict[str, Any], whole: bool) -> None:
        """Variables of a node or schedule are taken only where the template's survey asks for them.

        A schedule must answer each required question, also one with a default (AWX 24.6: SurveyJobTemplateMixin); a node
        gets what is left from its workflow's launch.
        """
        spec = self.surveys.get(("job_templates", template), {"spec": []})["spec"]
        asked = {question["variable"]: question for question in spec}
        for name, value in answers.items():
            if name not in asked:
                raise Refused(f"extra_data: variables {name} are not allowed on launch")
            if asked[name]["type"] == "multiplechoice" and value not in asked[name]["choices"]:
                raise Refused(f"extra_data: value {value} for {name} expected to be one of {asked[name]['choices']}")
        for name, question in asked.items():
            if whole and question["required"] and name not in answers:
                raise Refused(f"extra_data: {name} value missing")

    def survey(self, endpoint: str, number: int, spec: dict[str, Any]) -> None:
        if not all(
            isinstance(spec.get(key), kind) for key, kind in (("name", str), ("description", str), ("spec", list))
        ):
            raise Refused("error: a survey has name, description and spec")
        for question in spec["spec"]:
            for name, kind in (("type", str), ("question_name", str), ("variable", str), ("required", bool)):
                if not isinstance(question.get(name), kind):
                    raise Refused(f"error: {name} of survey question {question} expected to be {kind.__name__}")
            if question["type"] not in ("text", "textarea", "multiplechoice", "integer"):
                raise Refused(f"error: {question['type']} is no type of question")
            default = question.get("default", "")
            if not isinstance(default, str) or (
                any(line not in question.get("choices", []) for line in default.splitlines())
                and (question["type"] == "multiplechoice")
            ):
                raise Refused(f"error: default of {question['variable']} must be one of the choices")
        if len({question["variable"] for question in spec["spec"]}) != len(spec["spec"]):
            raise Refused("error: a variable is asked for twice")
        self.surveys[(endpoint, number)] = spec


class Handler(BaseHTTPRequestHandler):
    awx: Awx

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def do_PATCH(self) -> None:
        self._answer("PATCH")

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the tests read `calls`."""

    def _answer(self, method: str) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length) or b"{}") if length else {}
        address = urlsplit(self.path)
        self.awx.calls.append((method, address.path))
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self._send(401, {"detail": "Authentication credentials were not provided."})
        try:
            words = address.path.removeprefix(ROOT).strip("/").split("/")
            return self._send(*self._route(method, words, dict(parse_qsl(address.query)), body))
        except Refused as error:
            return self._send(400, {"__all__": [str(error)], "error": str(error)})
        except KeyError:
            return self._send(404, {"detail": "Not found."})

    def _route(self, method: str, words: list[str], query: dict[str, str], body: dict[str, Any]) -> tuple[int, Any]:
        awx, endpoint = self.awx, words[0]
        if endpoint in ("project_updates", "inventory_updates"):
            return 200, {
                "id": int(words[1]),
                "status": "successful",
                "finished": "2026-01-01T00:00:00Z",
                "failed": False,
            }
        if len(words) == 1:
            if method == "POST":
                return 201, awx.make(endpoint, body)
            found = awx.search(endpoint, query)
            return 200, {"count": len(found), "next": None, "results": found}
        number = int(words[1])
        if len(words) == 2:
            return (
                (200, awx.change(endpoint, number, body)) if method == "PATCH" else (200, awx.shown(endpoint, number))
            )
        return self._sub_route(method, endpoint, number, words[2], body)

    def _sub_route(self, method: str, endpoint: str, number: int, sub: str, body: dict[str, Any]) -> tuple[int, Any]:
        awx = self.awx
        if sub == "survey_spec":
            if method == "POST":
                awx.survey(endpoint, number, body)
                return 200, {}
            return 200, awx.surveys.get((endpoint, number), {})
        if sub == "create_approval_template" and endpoint == "workflow_job_template_nodes":
            return 201, awx.approval(number, body)
        if sub == "update" and endpoint == "inventory_sources":
            awx.updates.append(number)
            awx.objects[endpoint][number]["status"] = "successful"
            return 202, {"id": number, "status": "pending", "url": f"{ROOT}inventory_updates/{number}/"}
        if sub not in LINKS.get(endpoint, ()):
            raise KeyError(sub)
        if method == "POST":
            awx.link(endpoint, number, sub, body)
            return 204, None
        found = awx.linked(endpoint, number, sub)
        numbers = awx.links.get((endpoint, number, sub), [])
        return 200, {"count": len(found), "next": None, "results": [{"id": each} for each in numbers]}

    def _send(self, status: int, content: Any) -> None:
        data = b"" if content is None else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("X-API-Product-Name", "AWX")
        self.send_header("X-API-Product-Version", "24.6.1")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@contextmanager
def serving(awx: Awx) -> Iterator[str]:
    """The URL under which it answers, on loopback."""
    handler = type("Answers", (Handler,), {"awx": awx})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
