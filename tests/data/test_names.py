"""Names of takes, to read beside each other."""

from __future__ import annotations

from rhythmvae.data import names


def test_takes_of_one_name_are_told_by_their_numbers_and_others_titles_stay() -> None:
    takes = [
        ("12_rock_90_beat_4-4", "rock", "drummer1"),
        ("31_rock_90_beat_4-4", "rock", "drummer1"),
        ("31_rock_90_fill_4-4", "rock", "drummer1"),
        ("My Loop_2", "jazz", "Ann"),
    ]
    assert names.take_names(takes) == [
        "Rock, drummer 1, 90 BPM, take 12",
        "Rock, drummer 1, 90 BPM, take 31",
        "Rock fill, drummer 1, 90 BPM",
        "My Loop_2, Jazz, Ann",
    ]
