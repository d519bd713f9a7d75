"""Cases that break one thing between the box and others: network, people, cameras."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import socket
from pathlib import Path

import numpy as np

from edge.config import CameraConfig, ServeConfig
from edge.ops.doctor import Check, network, people
from edge.ops.doctor.cameras import check_cameras, judge
from edge.ops.doctor.models import EmbedderInUse
from edge.ops.system.camera_status import CameraStatus
from edge.records import Person, Reference
from edge.store import Consumer, Store, Token, User
from edge.thresholds import Thresholds
from tests.support.doctor.cases import NOW, Case, certificate, config_of, one, put

LOOK = CameraStatus("door", "live", "frames arrive", 640, 480, 25.0, 0.4, 0.6, {}, "the last hour")
ANN = Person("ann", "Ann", "missing")
SAME = "a" * 64


def serve(**values: object) -> ServeConfig:
    return ServeConfig.model_validate({"host": "0.0.0.0", **values})


# identity


def cloned(folder: Path) -> Check:
    with Store.open(folder / "data") as store:
        store.identity.keep({"machine_id": ("other",), "mac": ("other",)})
        machine = {"machine_id": ("this",), "mac": ("this",)}
        return people.check_identity(store.identity.look(machine))


# network


def port_taken(folder: Path) -> Check:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        return network.check_port(config_of(folder, serve=ServeConfig(port=other.getsockname()[1])), False)


def expired(folder: Path) -> Check:
    cert, key = certificate(folder, days=-1)
    return one(_certificate(folder, cert, key), "certificate")


def expires_soon(folder: Path) -> Check:
    cert, key = certificate(folder, days=20)
    return one(_certificate(folder, cert, key), "certificate")


def not_begun(folder: Path) -> Check:
    cert, key = certificate(folder)
    config = config_of(folder, serve=serve(tls_cert=cert, tls_key=key))
    return one(network.check_certificate(config, NOW - dt.timedelta(days=900), "gate"), "certificate")


def no_certificate(folder: Path) -> Check:
    put(folder / "bad.crt", "no certificate")
    return one(_certificate(folder, folder / "bad.crt", folder / "bad.key"), "certificate")


def wrong_name(folder: Path) -> Check:
    cert, key = certificate(folder, name="another")
    return one(_certificate(folder, cert, key), "certificate names")


def open_key(folder: Path) -> Check:
    cert, key = certificate(folder, mode=0o644)
    return one(_certificate(folder, cert, key), "certificate key")


def wrong_key(folder: Path) -> Check:
    cert, _ = certificate(folder)
    _, key = certificate(folder, name="another")
    return one(_certificate(folder, cert, key), "certificate key")


def no_key(folder: Path) -> Check:
    cert, _ = certificate(folder)
    return one(_certificate(folder, cert, folder / "none.key"), "certificate key")


def old_authority(folder: Path) -> Check:
    cert, key = certificate(folder)
    authority, _ = certificate(folder, name="authority", days=-3)
    config = config_of(folder, serve=serve(tls_cert=cert, tls_key=key, client_ca=authority))
    return one(network.check_certificate(config, NOW, "gate"), "client authority")


def _certificate(folder: Path, cert: Path, key: Path) -> list[Check]:
    config = config_of(folder, serve=serve(tls_cert=cert, tls_key=key))
    return list(network.check_certificate(config, NOW, "gate"))


# people


def nobody_logs_in(_: Path) -> Check:
    return people.check_users([])


def no_supervisor(_: Path) -> Check:
    return people.check_users([User("ann", "guard", NOW)])


def no_token(_: Path) -> Check:
    return people.check_tokens([], NOW)


def _token(days: float) -> Token:
    return Token("central", ("alerts:read",), NOW, NOW + dt.timedelta(days=days))


def token_over(_: Path) -> Check:
    return people.check_tokens([_token(-1), _token(-9)], NOW)


def token_soon(_: Path) -> Check:
    return people.check_tokens([_token(3)], NOW)


def never_pulled(_: Path) -> Check:
    return people.check_pulls([Consumer("central", 0, 9, None)], NOW)


def quiet_server(_: Path) -> Check:
    return people.check_pulls([Consumer("central", 3, 9, NOW - dt.timedelta(hours=5))], NOW)


def old_list(_: Path) -> Check:
    return people.check_age(3, NOW - dt.timedelta(days=8), 7, NOW)


def aging_list(_: Path) -> Check:
    return people.check_age(3, NOW - dt.timedelta(days=6.5), 7, NOW)


def no_database(folder: Path) -> Check:
    return one(people.check_people(config_of(folder), EmbedderInUse(), NOW), "database")


def broken_database(folder: Path) -> Check:
    put(folder / "data/edge.db", "this is no database, but long enough to be read as one" * 40)
    return one(people.check_people(config_of(folder), EmbedderInUse(), NOW), "database")


def _listed(folder: Path, name: str, person: Person = ANN, kept: Thresholds | None = None, models: int = 1) -> Check:
    config = config_of(folder)
    image = b"\x89PNG not looked at"
    sha256 = hashlib.sha256(image).hexdigest()
    vectors = [np.eye(128, dtype=np.float32)[n] for n in range(2)]
    made = [
        Reference(
            f"{person.person_id}-{n}", person.person_id, sha256, vectors[n], SAME if n < models else "b" * 64, {}, "x"
        )
        for n in range(2)
    ]
    with Store.open(config.data_dir) as store:
        store.put_person(person, made, {sha256: image}).result()
        if kept is not None:
            store.calibration.put_thresholds(kept).result()
    return one(people.check_people(config, EmbedderInUse(SAME), dt.datetime.now(dt.UTC)), name)


def nobody_listed(folder: Path) -> Check:
    Store.open(folder / "data").close()
    return one(people.check_people(config_of(folder), EmbedderInUse(SAME), NOW), "watchlist")


def past_end(folder: Path) -> Check:
    person = dataclasses.replace(ANN, expires_at=dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
    return _listed(folder, "expired entries", person)


def foreign_references(folder: Path) -> Check:
    return _listed(folder, "references", models=1)


def only_foreign_references(folder: Path) -> Check:
    return _listed(folder, "references", models=0)


def one_face_under_two_ids(folder: Path) -> Check:
    _listed(folder, "references", models=2)
    return _listed(folder, "look-alikes", dataclasses.replace(ANN, person_id="ann-again"), models=2)


def without_a_picture(folder: Path) -> Check:
    with Store.open(config_of(folder).data_dir) as store:
        store.put_person(dataclasses.replace(ANN, person_id="bob"), (), {}).result()
    return _listed(folder, "pictures of people", models=2)


def not_calibrated(folder: Path) -> Check:
    return _listed(folder, "calibration", models=2)


def calibrated_for_another_model(folder: Path) -> Check:
    kept = Thresholds({"color": 0.5}, 0.06, 1e4, "c" * 64, "", NOW)
    return _listed(folder, "calibration", kept=kept)


def calibrated_for_another_list(folder: Path) -> Check:
    kept = Thresholds({"color": 0.5}, 0.06, 1e4, SAME, "0" * 64, NOW)
    return _listed(folder, "calibration", kept=kept)


# cameras


def no_camera(folder: Path) -> Check:
    return check_cameras(config_of(folder), None)[0]


def gone_camera(folder: Path) -> Check:
    camera = CameraConfig(name="door", source=f"file:{folder}/none.avi")
    return one(check_cameras(config_of(folder, camera=(camera,)), None), "camera door")


def _seen(**changes: object) -> Check:
    return judge(dataclasses.replace(LOOK, **changes))[0]  # type: ignore[arg-type]


def _faces(reason: str) -> Check:
    return judge(dataclasses.replace(LOOK, faces={reason: 9, "match": 1}))[1]


def _running(folder: Path, *looks: CameraStatus) -> Check:
    camera = CameraConfig(name="door", source="v4l2:/dev/video0")
    return check_cameras(config_of(folder, camera=(camera,)), looks)[0]


PEOPLE: list[Case] = [
    (cloned, "identity", "fail", "edge identity new"),
    (port_taken, "port", "fail", "serve.port"),
    (expired, "certificate", "fail", "get a new one"),
    (expires_soon, "certificate", "warn", "get a new one"),
    (not_begun, "certificate", "fail", "set the clock"),
    (no_certificate, "certificate", "fail", "get a new one"),
    (wrong_name, "certificate names", "warn", "among its names"),
    (open_key, "certificate key", "fail", "chmod 600"),
    (wrong_key, "certificate key", "fail", "made together"),
    (no_key, "certificate key", "fail", "PEM key"),
    (old_authority, "client authority", "fail", "get a new one"),
    (nobody_logs_in, "users", "warn", "edge user add"),
    (no_supervisor, "users", "warn", "supervisor"),
    (no_token, "tokens", "warn", "edge token add"),
    (token_over, "tokens", "fail", "edge token add central"),
    (token_soon, "tokens", "warn", "edge token add central"),
    (never_pulled, "last pull", "warn", "check that this server"),
    (quiet_server, "last pull", "warn", "check that this server"),
    (old_list, "watchlist", "fail", "confirm the list again"),
    (aging_list, "watchlist", "warn", "confirm the list again"),
    (no_database, "database", "warn", "first runs"),
    (broken_database, "database", "fail", "backup"),
    (nobody_listed, "watchlist", "warn", "edge enrol"),
    (past_end, "expired entries", "warn", "edge forget"),
    (foreign_references, "references", "warn", "edge watchlist reembed"),
    (only_foreign_references, "references", "fail", "edge watchlist reembed"),
    (one_face_under_two_ids, "look-alikes", "warn", "edge forget"),
    (without_a_picture, "pictures of people", "warn", "under People"),
    (not_calibrated, "calibration", "warn", "edge watchlist calibrate"),
    (calibrated_for_another_model, "calibration", "warn", "edge watchlist calibrate"),
    (calibrated_for_another_list, "calibration", "warn", "edge watchlist calibrate"),
    (no_camera, "cameras", "fail", "[[camera]]"),
    (gone_camera, "camera door", "fail", "check source"),
    (lambda _: _seen(luma=0.01), "camera door", "warn", "lens cap"),
    (lambda _: _seen(luma=0.08), "camera door", "warn", "add light"),
    (lambda _: _seen(luma=0.95), "camera door", "warn", "away from the light"),
    (lambda _: _seen(sharpness=0.36), "camera door", "warn", "turn the lens"),
    (lambda _: _seen(fps=1.5), "camera door", "warn", "check the link"),
    (lambda _: _faces("too_small"), "faces at door", "warn", "zoom in"),
    (lambda _: _faces("blur"), "faces at door", "warn", "focus the lens"),
    (lambda _: _faces("pose"), "faces at door", "warn", "look towards it"),
    (lambda _: _faces("edge"), "faces at door", "warn", "seen whole"),
    (lambda _: _faces("exposure"), "faces at door", "warn", "from the front"),
    (lambda _: _faces("too_few_shots"), "faces at door", "warn", "stay in view"),
    (lambda _: _faces("part_size"), "faces at door", "warn", "zoom in"),
    (lambda folder: _running(folder), "camera door", "warn", "restart the service"),
    (
        lambda folder: _running(folder, dataclasses.replace(LOOK, state="lost")),
        "camera door",
        "fail",
        "check power, cable",
    ),
    (lambda folder: _running(folder, dataclasses.replace(LOOK, state="dark")), "camera door", "warn", "lighting"),
    (lambda folder: _running(folder, dataclasses.replace(LOOK, state="frozen")), "camera door", "fail", "off and on"),
]
