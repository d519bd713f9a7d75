"""Detection: decoding against a slow twin and against OpenCV's own, any frame size, baselines by name."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.capture.pictures.images import read_image
from edge.config import DetectConfig, RuntimeConfig
from edge.detect import STRIDES, TILE_OVERLAP, Detector, FaceDetector, HaarDetector, build_detector, decode, tiles
from edge.errors import ImageError, ModelError
from edge.sessions import Pack, load_file
from tests.support.models.tiny_models import detector_bytes, embedder_bytes, entry, write_pack

MODELS = Path(__file__).resolve().parents[2] / "models" / "quantized"
RUNTIME = RuntimeConfig(threads=1)


def slow_decode(outputs: dict[str, np.ndarray], width: int, min_score: float) -> list[tuple[float, ...]]:
    """YuNet's decoding as its authors wrote it down: one cell at a time."""
    found = []
    for s in STRIDES:
        for cell in range(outputs[f"cls_{s}"].shape[1]):
            score = float(outputs[f"cls_{s}"][0, cell, 0])
            if f"obj_{s}" in outputs:
                score = math.sqrt(score * float(outputs[f"obj_{s}"][0, cell, 0]))
            if score < min_score:
                continue
            column, row = cell % (width // s), cell // (width // s)
            b = outputs[f"bbox_{s}"][0, cell]
            cx, cy, w, h = (column + b[0]) * s, (row + b[1]) * s, math.exp(b[2]) * s, math.exp(b[3]) * s
            k = outputs[f"kps_{s}"][0, cell]
            points = [v for i in range(5) for v in ((k[2 * i] + column) * s, (k[2 * i + 1] + row) * s)]
            found.append((cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2, score, *points))
    return found


@settings(max_examples=30, deadline=None)
@given(
    rows=st.integers(1, 4),
    columns=st.integers(1, 4),
    seed=st.integers(0, 2**32 - 1),
    with_obj=st.booleans(),
    min_score=st.sampled_from([0.0, 0.3, 0.9]),
)
def test_decode_equals_the_slow_twin(rows: int, columns: int, seed: int, with_obj: bool, min_score: float) -> None:
    rng = np.random.default_rng(seed)
    height, width = rows * 32, columns * 32
    outputs = {}
    for s in STRIDES:
        cells = (height // s) * (width // s)
        outputs[f"cls_{s}"] = rng.random((1, cells, 1), np.float32)
        if with_obj:
            outputs[f"obj_{s}"] = rng.random((1, cells, 1), np.float32)
        outputs[f"bbox_{s}"] = rng.normal(size=(1, cells, 4)).astype(np.float32)
        outputs[f"kps_{s}"] = rng.normal(size=(1, cells, 10)).astype(np.float32)
    boxes, scores, landmarks = decode(outputs, height, width, min_score)
    expected = np.array(slow_decode(outputs, width, min_score), np.float32).reshape(-1, 15)
    found = np.hstack([boxes, scores[:, np.newaxis], landmarks.reshape(len(boxes), 10)])
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-3)
    assert found.dtype == np.float32


def tiny_detector(tmp_path: Path, *, side: int | str = "side", max_side_px: int = 640) -> FaceDetector:
    (tmp_path / "red.onnx").write_bytes(detector_bytes(side=side))
    return FaceDetector(load_file(tmp_path / "red.onnx", "detect", RUNTIME), min_score=0.9, max_side_px=max_side_px)


def frame_with_red(height: int, width: int, x1: int, y1: int, x2: int, y2: int) -> np.ndarray:
    frame = np.full((height, width, 3), 40, np.uint8)
    frame[y1:y2, x1:x2] = (0, 0, 255)
    return frame


@pytest.mark.parametrize("number", [1, 2])
def test_what_a_lower_score_finds_comes_from_the_same_look(shared_data: Path, number: int) -> None:
    """Box for box as a look of its own at that score, and the sure ones as without it."""
    pictures = sorted((shared_data / "faces" / "lfw" / "images").glob("*/*_0001.jpg"))[:6]
    crowd = np.vstack([np.hstack([read_image(path) for path in pictures[at : at + 3]] * 2) for at in (0, 3)])
    config, pack = DetectConfig(tiles=number), Pack.open(MODELS)
    both = build_detector(config, pack, RUNTIME, doubtful_score=0.3)
    alone = build_detector(config, pack, RUNTIME)
    assert isinstance(alone, FaceDetector)
    num_doubtful = 0
    for image in (crowd, crowd // 6, np.ascontiguousarray(crowd[::3, ::3])):
        found, low = both.detect(image, 0.5), alone.first_look().detect(image, 0.3)
        assert found.doubtful is not None
        np.testing.assert_array_equal(found.doubtful, low.boxes)
        for name in ("boxes", "scores", "landmarks"):
            np.testing.assert_array_equal(getattr(found, name), getattr(alone.detect(image, 0.5), name))
        num_doubtful += len(low) - len(found)
        assert both.detect(image, 0.3).doubtful is None
    assert num_doubtful > 0


@pytest.mark.parametrize("side", ["side", 640])
def test_boxes_come_back_in_pixels_of_the_frame(tmp_path: Path, side: int | str) -> None:
    """1280 x 720 is shrunk by two and padded; a red square on the 32-cell grid must come back at its own place."""
    found = tiny_detector(tmp_path, side=side).detect(frame_with_red(720, 1280, 640, 128, 704, 192))
    assert len(found) >= 1
    widest = int(np.argmax(found.boxes[:, 2] - found.boxes[:, 0]))
    np.testing.assert_allclose(found.boxes[widest], [640, 128, 704, 192], atol=0.01)
    np.testing.assert_allclose(found.landmarks[widest], np.full((5, 2), (672, 160)), atol=0.01)


@settings(max_examples=25, deadline=None)
@given(height=st.integers(1, 200), width=st.integers(1, 200))
def test_any_frame_size(height: int, width: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    detector = tiny_detector(tmp_path_factory.mktemp("any"), max_side_px=96)
    found = detector.detect(np.full((height, width, 3), (0, 0, 255), np.uint8), min_score=0.1)
    assert found.boxes.shape == (len(found), 4)
    assert found.landmarks.shape == (len(found), 5, 2)
    assert (found.boxes >= 0).all()
    assert (found.boxes[:, [0, 2]] <= width).all()
    assert (found.boxes[:, [1, 3]] <= height).all()
    assert (found.boxes[:, 2:] > found.boxes[:, :2]).all()
    assert (np.diff(found.scores) <= 0).all()


@pytest.mark.parametrize(("head", "number"), [("bbox", 3), ("bbox", 5), ("kps", 8), ("kps", 11)])
def test_other_numbers_for_each_cell_are_another_format(head: str, number: int) -> None:
    sizes = {"cls": 1, "bbox": 4, "kps": 10} | {head: number}
    outputs = {f"{h}_{s}": np.ones((1, (64 // s) ** 2, n), np.float32) for s in STRIDES for h, n in sizes.items()}
    with pytest.raises(ModelError, match=f"{head}_8 has not .* numbers for each cell: not the YuNet format"):
        decode(outputs, 64, 64, 0.5)


def test_black_frame_has_no_face(tmp_path: Path) -> None:
    assert len(tiny_detector(tmp_path).detect(np.zeros((90, 160, 3), np.uint8))) == 0


def test_wrong_frames_are_refused(tmp_path: Path) -> None:
    detector = tiny_detector(tmp_path)
    for bad in (np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32), np.zeros((0, 4, 3), np.uint8)):
        with pytest.raises(ImageError):
            detector.detect(bad)


def test_an_embedder_is_no_detector(tmp_path: Path) -> None:
    (tmp_path / "tiny.onnx").write_bytes(embedder_bytes())
    with pytest.raises(ModelError, match="cls_8"):
        FaceDetector(load_file(tmp_path / "tiny.onnx", "detect", RUNTIME))


def test_build_by_name(tmp_path: Path) -> None:
    data = detector_bytes()
    pack = Pack.open(write_pack(tmp_path, [(entry("red", "detect", data), data)]))

    def build(model: str, pack: Pack | None = pack) -> Detector:
        return build_detector(DetectConfig(model=model), pack, RUNTIME)

    assert build("default").describe()["source"] == "pack"
    assert build("red").describe()["name"] == "red"
    assert build(str(tmp_path / "red.onnx")).describe()["source"] == "file"
    assert build("haar").describe()["name"] == "haar"
    with pytest.raises(ModelError, match="there are: red"):
        build("blue")
    with pytest.raises(ModelError, match="models_dir"):
        build("default", None)
    with pytest.raises(ModelError, match="no such model file"):
        build(str(tmp_path / "none.onnx"))


def lfw(shared_data: Path, person: str) -> np.ndarray:
    image = cv2.imread(str(shared_data / "faces" / "lfw" / "images" / person / f"{person}_0001.jpg"))
    assert image is not None
    return image


PEOPLE = ("Aaron_Eckhart", "Abdel_Aziz_Al-Hakim", "Aidan_Quinn", "Albert_Brooks")


@pytest.mark.parametrize("person", PEOPLE)
def test_same_faces_as_opencv_on_the_same_network(shared_data: Path, person: str) -> None:
    """OpenCV's FaceDetectorYN decodes YuNet in C++; it must agree with us to half a pixel."""
    path = shared_data / "weights" / "face_detection_yunet_2023mar.onnx"
    image = cv2.copyMakeBorder(lfw(shared_data, person), 0, 390, 0, 390, cv2.BORDER_CONSTANT)
    theirs = cv2.FaceDetectorYN.create(str(path), "", (640, 640), 0.6, 0.45).detect(image)[1]
    ours = FaceDetector(load_file(path, "detect", RUNTIME), min_score=0.6, is_refined=False).detect(image)
    assert len(ours) == len(theirs) >= 1
    xyxy = np.clip(np.hstack([theirs[:, :2], theirs[:, :2] + theirs[:, 2:4]]), 0, 640)
    np.testing.assert_allclose(ours.boxes, xyxy, atol=0.5)
    np.testing.assert_allclose(ours.landmarks.reshape(-1, 10), theirs[:, 4:14], atol=0.5)
    np.testing.assert_allclose(ours.scores, theirs[:, 14], atol=0.005)


def test_a_blended_face_lies_at_one_place_whatever_score_is_asked(shared_data: Path) -> None:
    """And elsewhere than the best cell alone puts it."""
    image = lfw(shared_data, "Aaron_Eckhart")
    pack, config = Pack.open(MODELS), DetectConfig()
    blended = build_detector(config, pack, RUNTIME)
    few, many = blended.detect(image, 0.8), blended.detect(image, 0.3)
    assert len(few) >= 1
    np.testing.assert_array_equal(few.landmarks[0], many.landmarks[0])
    plain = build_detector(config, pack, RUNTIME, is_refined=False).detect(image, 0.8)
    assert few.scores[0] == plain.scores[0]
    assert 0.1 < float(np.abs(few.landmarks[0] - plain.landmarks[0]).max()) < 10


def test_dynamic_and_fixed_models_agree_on_a_small_frame(shared_data: Path) -> None:
    """Padding to the model's fixed size must not move a face by more than the two networks differ."""
    image = lfw(shared_data, "Aaron_Eckhart")
    weights = shared_data / "weights"
    small = FaceDetector(load_file(weights / "yunet_n_dynamic.onnx", "detect", RUNTIME)).detect(image)
    fixed = FaceDetector(load_file(weights / "face_detection_yunet_2023mar.onnx", "detect", RUNTIME)).detect(image)
    assert len(small) == len(fixed) == 1
    np.testing.assert_allclose(small.landmarks, fixed.landmarks, atol=8)


def test_large_frame_finds_the_face_where_it_is(shared_data: Path) -> None:
    weights = shared_data / "weights"
    image = lfw(shared_data, "Aaron_Eckhart")
    detector = FaceDetector(load_file(weights / "yunet_n_dynamic.onnx", "detect", RUNTIME))
    alone = detector.detect(image)
    frame = np.zeros((1080, 1920, 3), np.uint8)
    frame[500:750, 1200:1450] = image
    found = detector.detect(frame)
    assert len(found) == 1
    np.testing.assert_allclose(found.landmarks[0], alone.landmarks[0] + (1200, 500), atol=8)


def test_haar_finds_the_face_and_puts_landmarks_near_the_eyes(shared_data: Path) -> None:
    image = lfw(shared_data, "Aaron_Eckhart")
    haar = HaarDetector().detect(image)
    yunet = FaceDetector(load_file(shared_data / "weights" / "yunet_n_dynamic.onnx", "detect", RUNTIME)).detect(image)
    assert len(haar) >= 1
    eye_distance = float(np.linalg.norm(yunet.landmarks[0][1] - yunet.landmarks[0][0]))
    assert np.linalg.norm(haar.landmarks[0] - yunet.landmarks[0], axis=1).mean() < 0.25 * eye_distance
    assert len(HaarDetector().detect(np.zeros((1, 1, 3), np.uint8))) == 0


@pytest.mark.parametrize("times", [1, 3, 6])
def test_a_close_up_is_one_face(times: int) -> None:
    """A drawn portrait in which the face fills most of the picture, at sizes where the full look sees parts of it."""
    skimage_data = pytest.importorskip("skimage.data", reason="needs scikit-image (the demo extra)")
    portrait = np.ascontiguousarray(skimage_data.astronaut()[40:200, 160:290, ::-1])
    image = cv2.resize(portrait, None, fx=times, fy=times, interpolation=cv2.INTER_CUBIC)
    pack = Pack.open(MODELS)
    found = build_detector(DetectConfig(), pack, RuntimeConfig()).detect(image)
    assert len(found.scores) == 1
    width, height = found.boxes[0, 2] - found.boxes[0, 0], found.boxes[0, 3] - found.boxes[0, 1]
    assert 0.4 < width / image.shape[1] < 1.0
    assert 0.4 < height / image.shape[0] < 1.0


def test_close_ups_of_people_nobody_trained_on_are_one_face(shared_data: Path) -> None:
    """Upright faces that fill the picture (UTKFace), one to three times as large: one box in 99 of 100."""
    faces = sorted((shared_data / "faces" / "utk" / "dev").glob("*.jpg"))[::20]
    if not faces:
        pytest.skip("needs faces/utk/dev of the public test data")
    detector = build_detector(DetectConfig(), Pack.open(MODELS), RuntimeConfig())
    counts = []
    for times in (1, 2, 3):
        pictures = (cv2.resize(cv2.imread(str(path)), None, fx=times, fy=times) for path in faces)
        counts += [len(detector.detect(np.asarray(picture, np.uint8)).scores) for picture in pictures]
    assert counts.count(1) >= 0.99 * len(counts), counts


@given(st.integers(1, 4000), st.integers(1, 4000), st.integers(1, 4))
def test_tiles_cover_the_frame_and_share_a_border(width: int, height: int, number: int) -> None:
    made = tiles(width, height, number)
    assert len(made) == number**2
    assert all(0 <= left < right <= width and 0 <= top < bottom <= height for left, top, right, bottom in made)
    columns = sorted({(left, right) for left, _, right, _ in made})
    assert columns[0][0] == 0
    assert columns[-1][1] == width
    for (_, end), (start, _) in itertools.pairwise(columns):
        shared = end - start
        assert shared >= TILE_OVERLAP * (columns[0][1] - columns[0][0]) - 2


def test_tiles_find_a_face_that_is_too_small_for_one_look(tmp_path: Path) -> None:
    """A red square of 24 px is half a cell once the frame is shrunk to a quarter, but whole cells in a tile."""
    (tmp_path / "red.onnx").write_bytes(detector_bytes())
    session = load_file(tmp_path / "red.onnx", "detect", RUNTIME)
    frame = frame_with_red(1024, 1024, 700, 600, 724, 624)
    one, many = (FaceDetector(session, min_score=0.9, max_side_px=256, tiles=number) for number in (1, 4))
    assert len(one.detect(frame).scores) == 0
    found = many.detect(frame)
    assert len(found.scores) >= 1
    assert (np.abs(found.boxes.reshape(-1, 2, 2).mean(1) - (712, 612)) < 16).all()
