//! The nearest of several words, for "did you mean".

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
        .map(|known| (distance(name, known), known))
        .filter(|(changes, known)| {
            *changes <= enough && *changes < known.chars().count().max(letters)
        })
        .min_by_key(|(changes, _)| *changes)
        .map(|(_, known)| known)
}

/// Number of letters to change, add, leave out or swap with their neighbour to turn one word into
/// the other.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut next = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let changed = row[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            next[j] = changed.min(row[j] + 1).min(next[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                next[j] = next[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut row, next);
    }
    row[b.len()]
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
