//! The nearest of several words, for "did you mean".

use strsim::osa_distance;

/// The word of a list that is nearest to `name`, if one is near enough to be meant.
#[must_use]
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let letters = name.chars().count();
    let enough = match letters {
        0..=4 => 1,
        5..=7 => 2,
        _ => 3,
    };
    known
        .into_iter()
        .map(|known| (osa_distance(name, known), known))
        .filter(|(changes, known)| {
            *changes <= enough && *changes < known.chars().count().max(letters)
        })
        .min_by_key(|(changes, _)| *changes)
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_hand_is_recognised_and_another_word_is_not() {
        let known = ["seed", "ramp", "topk", "column", "cell-mismatch"];
        for (name, meant) in [
            ("sede", Some("seed")),
            ("rampp", Some("ramp")),
            ("colum", Some("column")),
            ("cell-mismach", Some("cell-mismatch")),
            ("name", None),
            ("foo", None),
            ("topkk", Some("topk")),
            ("", None),
        ] {
            assert_eq!(nearest(name, known), meant, "{name}");
        }
    }
}
