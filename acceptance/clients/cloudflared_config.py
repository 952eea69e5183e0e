"""Reads a configuration of cloudflared as strictly as its documentation describes it.

    cloudflared_config.py FILE URL...

Knows every key that a locally managed tunnel can have, with its type, and the rules for an ingress: the last rule has
neither hostname nor path, no other one lacks both, hostnames have no port and a wildcard only in front, paths are
regular expressions, services have no path. A key at the wrong place, or twice, is a fault. Prints one JSON line: for
each URL the service that it is sent to, and whether Access is asked for there. Exit status 1 and a sentence on stderr
where the file is not so.

cloudflared itself is not run: it is to be had from Cloudflare alone. The keys are those of its documentation and of its
source (config/configuration.go, ingress/ingress.go), November 2026.
"""

import json
import re
import sys
from urllib.parse import urlsplit

import yaml

DURATION = re.compile(r"^(\d+(\.\d+)?(ns|us|ms|s|m|h))+$")


class Strict(yaml.SafeLoader):
    """A key that is there twice is a fault; plain YAML takes the last."""


def mapping(loader, node):
    loader.flatten_mapping(node)
    pairs = loader.construct_pairs(node, deep=True)
    keys = [key for key, _ in pairs]
    check(len(keys) == len(set(keys)), f"a key is there twice: {keys}")
    return dict(pairs)


Strict.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, mapping)


def check(holds, sentence):
    if not holds:
        print(f"error: {sentence}", file=sys.stderr)
        raise SystemExit(1)


def text(value):
    return isinstance(value, str) and value != ""


def boolean(value):
    return isinstance(value, bool)


def whole(value):
    return isinstance(value, int) and not isinstance(value, bool)


def duration(value):
    return text(value) and DURATION.match(value)


def texts(value):
    return isinstance(value, list) and value and all(map(text, value))


ACCESS = {"required": boolean, "teamName": text, "audTag": texts}
ORIGIN = {
    "connectTimeout": duration,
    "tlsTimeout": duration,
    "tcpKeepAlive": duration,
    "noHappyEyeballs": boolean,
    "keepAliveConnections": whole,
    "keepAliveTimeout": duration,
    "httpHostHeader": text,
    "originServerName": text,
    "matchSNItoHost": boolean,
    "caPool": text,
    "noTLSVerify": boolean,
    "disableChunkedEncoding": boolean,
    "bastionMode": boolean,
    "proxyAddress": text,
    "proxyPort": whole,
    "proxyType": text,
    "http2Origin": boolean,
    "access": lambda value: known("access", value, ACCESS) and {"teamName", "audTag"} <= value.keys(),
}
RULE = {
    "hostname": text,
    "path": text,
    "service": text,
    "originRequest": lambda value: known("originRequest", value, ORIGIN),
}
FILE = {
    "tunnel": text,
    "credentials-file": text,
    "ingress": lambda value: isinstance(value, list) and bool(value),
    "originRequest": lambda value: known("originRequest", value, ORIGIN),
    "warp-routing": lambda value: isinstance(value, dict),
    "loglevel": text,
    "logfile": text,
    "metrics": text,
    "protocol": lambda value: value in ("auto", "http2", "quic"),
    "no-autoupdate": boolean,
    "grace-period": duration,
    "retries": whole,
}


def known(where, value, keys):
    check(isinstance(value, dict), f"{where} is no mapping")
    for key, item in value.items():
        check(key in keys, f"{where} has an unknown key {key!r}")
        check(keys[key](item), f"{where}: {key} is {item!r}")
    return True


def rule(index, last, value):
    where = f"rule {index + 1}"
    known(where, value, RULE)
    check("service" in value, f"{where} has no service")
    hostname, path = value.get("hostname", ""), value.get("path", "")
    check(":" not in hostname, f"{where}: the hostname has a port")
    check(hostname.rfind("*") <= 0, f"{where}: a wildcard is only for the first label")
    everything = hostname in ("", "*") and not path
    check(everything == last, f"{where}: the last rule takes everything, and no other one does")
    service = value["service"]
    if not service.startswith("http_status:"):
        url = urlsplit(service)
        check(url.scheme in ("http", "https", "tcp", "unix") and url.hostname, f"{where}: {service} is no service")
        check(url.path == "", f"{where}: the service has a path")
        return re.compile(path)
    check(re.fullmatch(r"http_status:[1-5]\d\d", service), f"{where}: {service} is no status")
    return re.compile(path)


def main(file, *urls):
    with open(file, encoding="utf-8") as source:
        content = yaml.load(source, Loader=Strict)
    known("the file", content, FILE)
    check({"tunnel", "credentials-file", "ingress"} <= content.keys(), "tunnel, credentials-file or ingress is missing")
    # At the top of the file it is read, and has no effect.
    check("access" not in content.get("originRequest", {}), "access stands where cloudflared passes over it")
    rules = content["ingress"]
    patterns = [rule(index, index == len(rules) - 1, value) for index, value in enumerate(rules)]
    sent = {}
    for url in urls:
        parts = urlsplit(url)
        for value, pattern in zip(rules, patterns, strict=True):
            if value.get("hostname", parts.hostname) == parts.hostname and pattern.search(parts.path):
                access = value.get("originRequest", {}).get("access", {}).get("required", False)
                sent[url] = [value["service"], access]
                break
    print(json.dumps({"tunnel": content["tunnel"], "credentials": content["credentials-file"], "sent": sent}))


main(*sys.argv[1:])
