"""Findings as a SARIF 2.1.0 log: one run with all rules, and a result for each finding.

A result that the base revision has as well is "unchanged", and a note; every other one is an
error. A gate that proves nothing is an invocation that has not succeeded, with a notification for
each reason, so that a reader does not take a short list for a good one.
"""

import hashlib

from tools.scripts.gate import places, rules

SCHEMA = "https://json.schemastore.org/sarif-2.1.0-rtm.5.json"
NAME, VERSION = "rmapdiff", "0.1.0"
FINGERPRINT = "rmapdiffSignature/v1"
MAX_PROGRAM = 20000  # characters of a program in a property
BASE_ID = "SRCROOT"


def _rule(rule):
    return {
        "id": rule.id,
        "name": "".join(word.capitalize() for word in rule.id.split("-")),
        "shortDescription": {"text": rule.short},
        "fullDescription": {"text": f"{rule.short} {rule.help}"},
        "help": {"text": rule.help},
        "defaultConfiguration": {"level": "error"},
    }


def _location(place, message=""):
    physical = {"artifactLocation": {"uri": place.file, "uriBaseId": BASE_ID},
                "region": {"startLine": max(place.first, 1)}}
    if place.last > place.first:
        physical["region"]["endLine"] = place.last
    location = {"physicalLocation": physical}
    if place.function:
        location["logicalLocations"] = [{"fullyQualifiedName": place.function,
                                         "kind": "function"}]
    if message:
        location["message"] = {"text": message}
    return location


def _why_related(finding):
    if any(line.get("rank") for line in finding.repro.get("code", [])):
        return "another candidate; the earlier one stands, the more suspect it is"
    return "the operation ran this, too"


def _message(finding):
    """The problem, then how to see it again: the program is all that it takes."""
    repro = finding.repro
    lines = [rules.RULES[rules.rule_of(finding.signature, repro)].short, ""]
    if repro.get("op"):
        lines.append(f"{finding.signature}: at {repro['op']}")
    else:
        lines.append(finding.signature)
    if repro.get("subject"):
        lines.append(f"{repro['subject']}: {repro['actual']}, expected {repro['expected']}")
    if repro.get("detail"):
        lines.append(repro["detail"])
    if finding.seed:
        lines.append(f"The seed {finding.seed} fails.")
    if finding.in_base:
        lines.append("The base revision has this finding as well.")
    elif finding.base_note:
        lines.append(finding.base_note[0].upper() + finding.base_note[1:] + ".")
    if finding.minimal:
        lines += ["", "The simplest program that shows it:", "", finding.program.rstrip()]
    return "\n".join(lines)


def _result(finding, index, has_base):
    place, related = places.find(finding)
    result = {
        "ruleId": rules.rule_of(finding.signature, finding.repro),
        "ruleIndex": index,
        "level": "error" if finding.blocks else "note",
        "message": {"text": _message(finding)},
        "locations": [_location(place)],
        "partialFingerprints": {
            FINGERPRINT: hashlib.sha256(finding.signature.encode()).hexdigest()},
        "properties": {
            "signature": finding.signature, "target": finding.target, "inputs": finding.count,
            "program": finding.program[:MAX_PROGRAM],
        },
    }
    if related:
        result["relatedLocations"] = [
            dict(_location(other, _why_related(finding)), id=number)
            for number, other in enumerate(related, 1)]
    if has_base:
        result["baselineState"] = "unchanged" if finding.in_base else "new"
    return result


def _invocation(command, problems, exit_code):
    invocation = {"executionSuccessful": not problems, "exitCode": exit_code,
                  "commandLine": command}
    if problems:
        invocation["toolExecutionNotifications"] = [
            {"level": "error", "message": {"text": problem}} for problem in problems]
    return invocation


def log(findings, problems, command, exit_code, revision="", base=""):
    """The log as a value for json.dump. `problems`: why the gate proves nothing, one line each."""
    ids = list(rules.RULES)
    run = {
        "tool": {"driver": {
            "name": NAME, "version": VERSION, "semanticVersion": VERSION,
            "rules": [_rule(rule) for rule in rules.RULES.values()]}},
        "automationDetails": {"id": "rmapdiff/gate/"},
        "columnKind": "utf16CodeUnits",
        "originalUriBaseIds": {BASE_ID: {"description": {"text": "The root of the checkout."}}},
        "invocations": [_invocation(command, problems, exit_code)],
        "results": [
            _result(finding, ids.index(rules.rule_of(finding.signature, finding.repro)),
                    bool(base))
            for finding in findings],
    }
    properties = {name: value for name, value in (("revision", revision), ("base", base)) if value}
    if properties:
        run["properties"] = properties
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
