//! Where the draws of a sample belong: to what it is, so that a result does not depend on where it stands in a file.

use std::collections::HashMap;

use crate::base::rng::digest;
use crate::study::model::Input;

/// Bits of an address: the heads of an encoder are counted above them. Of ten thousand samples two share
/// their draws with probability 5e-5; each would still have draws of the right law.
pub(super) const BITS: u32 = 40;

/// What the set measures at once, a sample or a pair of them, and what it should give, as a number.
pub(super) type Unit<'a> = (&'a [Input], u64);

/// Addresses of the samples of these units, in order. Units that are equal in all are told apart by counting.
pub(super) fn addresses(units: &[Unit<'_>]) -> Vec<u64> {
    let mut seen: HashMap<u64, u64> = HashMap::new();
    let mut all = Vec::new();
    for (inputs, target) in units {
        let own = digest(inputs.iter().map(content).chain([*target]));
        let times = seen.entry(own).or_default();
        all.extend((0..inputs.len() as u64).map(|at| digest([own, *times, at]) >> (64 - BITS)));
        *times += 1;
    }
    all
}

/// Samples of these classes with their addresses.
pub(super) fn classed(inputs: impl Iterator<Item = Input>, labels: &[usize]) -> Vec<(u64, Input)> {
    let inputs: Vec<Input> = inputs.collect();
    let units = inputs
        .iter()
        .map(std::slice::from_ref)
        .zip(labels.iter().map(|label| *label as u64));
    let addresses = addresses(&units.collect::<Vec<_>>());
    addresses.into_iter().zip(inputs).collect()
}

fn content(input: &Input) -> u64 {
    match input {
        Input::Tokens(ids) => digest(ids.iter().map(|id| u64::from(*id))),
        Input::Image(pixels) => digest(pixels.iter().map(|pixel| u64::from(pixel.to_bits()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn text(ids: &[u32]) -> Input {
        Input::Tokens(ids.to_vec())
    }

    #[test]
    fn a_unit_keeps_its_addresses_wherever_it_stands() {
        let pairs = [
            ([text(&[1, 2]), text(&[3])], 5),
            // The same sentences the other way round, with another score, and cut elsewhere.
            ([text(&[3]), text(&[1, 2])], 5),
            ([text(&[1, 2]), text(&[3])], 6),
            ([text(&[1]), text(&[2, 3])], 5),
            ([text(&[1, 2]), text(&[3])], 5),
        ];
        let of = |order: &[usize]| {
            let units: Vec<Unit<'_>> = order
                .iter()
                .map(|at| (&pairs[*at].0[..], pairs[*at].1))
                .collect();
            addresses(&units)
        };
        let (forward, backward) = (of(&[0, 1, 2, 3, 4]), of(&[3, 2, 4, 1, 0]));
        // Units 0 and 4 are one and the same twice: the first to come is the first.
        let moved = [4, 3, 1, 0, 2].map(|at| [backward[2 * at], backward[2 * at + 1]]);
        let twice = [forward[..2].to_vec(), forward[8..].to_vec()];
        assert_eq!([moved[4].to_vec(), moved[0].to_vec()], twice);
        assert_eq!(moved[1..4].concat(), forward[2..8]);
        let apart: HashSet<u64> = forward.iter().copied().collect();
        assert_eq!(apart.len(), forward.len());
        assert!(forward.iter().all(|address| address >> BITS == 0));
    }

    #[test]
    fn images_are_told_apart_by_a_pixel() {
        let images = [0.0, 0.5, 1.0].map(|last| Input::Image(vec![0.25, last]));
        let units: Vec<Unit<'_>> = images
            .iter()
            .map(|image| (std::slice::from_ref(image), 1))
            .collect();
        let apart: HashSet<u64> = addresses(&units).into_iter().collect();
        assert_eq!(apart.len(), 3);
    }
}
