-- A state that few hits have, of a person or at a camera that has many: found without reading all of theirs.
CREATE INDEX hits_of_person_by_state ON hits (person_id, review_state, hit_id, camera);
CREATE INDEX hits_at_camera_by_state ON hits (camera, review_state, hit_id);
