//! How long samples were before they were cut.

/// Tokens of each sample of a set before it was cut; none for images.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lengths {
    /// Of the samples that are measured.
    pub samples: Vec<usize>,
    /// Of those that calibrate.
    pub calibration: Vec<usize>,
    /// Of those that a probe is fitted on.
    pub training: Vec<usize>,
}

impl Lengths {
    /// How many samples, measured in units of so many of them each, are longer than `most` tokens, in words; nothing
    /// if none is.
    #[must_use]
    pub fn beyond(&self, most: usize, unit: (&str, usize)) -> Option<String> {
        let (name, each) = unit;
        let count = |lengths: &[usize], each: usize| {
            lengths
                .chunks(each)
                .filter(|unit| unit.iter().any(|length| *length > most))
                .count()
        };
        let said: Vec<String> = [
            (&self.samples, each, name),
            (&self.calibration, 1, "calibration samples"),
            (&self.training, 1, "training samples"),
        ]
        .into_iter()
        .map(|(lengths, each, name)| (count(lengths, each), lengths.len() / each, name))
        .filter(|(longer, ..)| *longer > 0)
        .map(|(longer, of, name)| format!("{longer} of {of} {name}"))
        .collect();
        (!said.is_empty()).then(|| said.join(" and "))
    }

    /// The longest of all.
    #[must_use]
    pub fn longest(&self) -> usize {
        let all = self.samples.iter().chain(&self.calibration);
        all.chain(&self.training).copied().max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_counts_once_and_what_fits_is_not_told() {
        let lengths = Lengths {
            samples: vec![9, 3, 3, 8, 9, 9, 4, 4],
            calibration: vec![5, 6],
            training: vec![4],
        };
        let said = |most| lengths.beyond(most, ("pairs", 2));
        assert_eq!(
            said(5).unwrap(),
            "3 of 4 pairs and 1 of 2 calibration samples"
        );
        assert_eq!(said(8).unwrap(), "2 of 4 pairs");
        assert_eq!(said(9), None);
        assert_eq!(lengths.longest(), 9);
    }
}
