//! Labelled images, and what of them a step sees: order, shift and mirror are drawn by address.

use super::adamw::ScheduleParams;
use crate::base::arrays::ByteArray;
use crate::base::mistake::Mistakes;
use crate::base::rng::{Purpose, Seed, Site};

/// Square grey images and the class of each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Images {
    /// Side in pixels.
    pub side: usize,
    /// Pixels, image by image and row by row, 0 black.
    pub pixels: Vec<u8>,
    /// Classes.
    pub labels: Vec<u8>,
}

impl Images {
    /// Images of an array (images, side, side) with labels of an array (images,) below `classes`.
    ///
    /// # Errors
    /// Other shapes, a label of another class; keys are `images` and `labels`.
    pub fn new(images: ByteArray, labels: ByteArray, classes: usize) -> Result<Self, Mistakes> {
        let mut mistakes = Mistakes::none();
        let (count, side) = match images.shape[..] {
            [count, rows, columns] if rows == columns => (count, rows),
            _ => {
                mistakes.add(
                    "images",
                    format!("{:?}", images.shape),
                    "must have the shape (images, side, side)",
                    "check that it is the file that is meant",
                );
                (0, 0)
            }
        };
        mistakes.require(
            labels.shape.len() == 1,
            "labels",
            format!("{:?}", labels.shape),
            "must have the shape (images,)",
            "check that it is the file that is meant",
        );
        if mistakes.0.is_empty() {
            mistakes.require(
                labels.values.len() == count,
                "labels",
                labels.values.len(),
                format!("must be one for each of the {count} images"),
                "take both files from the same set",
            );
            if let Some(at) = labels
                .values
                .iter()
                .position(|x| usize::from(*x) >= classes)
            {
                mistakes.add(
                    "labels",
                    labels.values[at],
                    format!(
                        "at index {at} is not one of the {classes} classes, 0 to {}",
                        classes - 1
                    ),
                    "check that it is the file that is meant",
                );
            }
        }
        mistakes.or(|| Self {
            side,
            pixels: images.values,
            labels: labels.values,
        })
    }

    /// Number of images.
    #[must_use]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    fn image(&self, at: usize) -> &[u8] {
        &self.pixels[at * self.side.pow(2)..][..self.side.pow(2)]
    }

    /// Writes image `at` with pixels as (x / 255 - 0.5) / 0.5.
    pub(super) fn plain(&self, at: usize, out: &mut [f32]) {
        for (out, pixel) in out.iter_mut().zip(self.image(at)) {
            *out = normal(*pixel);
        }
    }

    /// Writes image `at` as `view` shows it; what is shifted in is black.
    pub(super) fn seen(&self, at: usize, view: View, out: &mut [f32]) {
        let image = self.image(at);
        let side = self.side as isize;
        for (y, row) in (0..side).zip(out.chunks_exact_mut(self.side)) {
            for (x, out) in (0..side).zip(row) {
                let (x, y) = (x - view.right, y - view.down);
                let x = if view.mirrored { side - 1 - x } else { x };
                let inside = (0..side).contains(&x) && (0..side).contains(&y);
                *out = normal(if inside {
                    image[(y * side + x) as usize]
                } else {
                    0
                });
            }
        }
    }
}

/// A pixel from 0..=255 to -1..=1, (x / 255 - 0.5) / 0.5.
fn normal(pixel: u8) -> f32 {
    f32::from(pixel) / 127.5 - 1.0
}

/// How an image is shown once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct View {
    right: isize,
    down: isize,
    mirrored: bool,
}

/// The order of an epoch's images.
pub(super) fn order(seed: Seed, epoch: usize, count: usize) -> Vec<u32> {
    let mut order: Vec<u32> = (0..count as u32).collect();
    let mut stream = seed.stream(Purpose::TrainingOrder, epoch as u64, Site(0, 0));
    for at in (1..count).rev() {
        let other = (stream.uniform() * (at + 1) as f64) as usize;
        order.swap(at, other.min(at));
    }
    order
}

/// How an epoch shows an image.
pub(super) fn view(seed: Seed, epoch: usize, image: usize, schedule: &ScheduleParams) -> View {
    if schedule.shift == 0 && !schedule.flip {
        return View::default();
    }
    let mut stream = seed.stream(Purpose::TrainingView, epoch as u64, Site(image as u64, 0));
    let most = schedule.shift as isize;
    let mut shift = || (stream.uniform() * (2 * most + 1) as f64) as isize - most;
    let (right, down) = (shift(), shift());
    View {
        right,
        down,
        mirrored: schedule.flip && stream.uniform() < 0.5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array(shape: &[usize], values: Vec<u8>) -> ByteArray {
        ByteArray {
            shape: shape.to_vec(),
            values,
        }
    }

    #[test]
    fn files_that_do_not_belong_together_are_named() {
        let images = || array(&[2, 2, 2], vec![0; 8]);
        let wrong = |images, labels| Images::new(images, labels, 10).unwrap_err().0[0].to_string();
        assert!(wrong(images(), array(&[3], vec![0; 3])).contains("each of the 2 images"));
        assert!(wrong(images(), array(&[2], vec![0, 10])).contains("labels = 10: at index 1"));
        assert!(wrong(array(&[2, 4], vec![0; 8]), array(&[2], vec![0; 2])).starts_with("images"));
        assert!(wrong(images(), images()).starts_with("labels"));
    }

    #[test]
    fn an_epoch_shows_every_image_once_and_each_epoch_in_its_own_order() {
        let (one, two) = (order(Seed(3), 0, 1000), order(Seed(3), 1, 1000));
        assert_ne!(one, two);
        assert_ne!(one, order(Seed(4), 0, 1000));
        let mut sorted = two;
        sorted.sort_unstable();
        assert_eq!(sorted, (0..1000).collect::<Vec<u32>>());
    }

    #[test]
    fn a_view_shifts_and_mirrors_and_fills_with_black() {
        let images = Images {
            side: 3,
            pixels: vec![0, 255, 0, 0, 0, 0, 255, 0, 0],
            labels: vec![0],
        };
        let mut out = vec![0.0; 9];
        images.plain(0, &mut out);
        assert_eq!(out, [-1.0, 1.0, -1.0, -1.0, -1.0, -1.0, 1.0, -1.0, -1.0]);
        let view = View {
            right: 1,
            down: -1,
            mirrored: true,
        };
        images.seen(0, view, &mut out);
        // Mirrored, the lower left pixel lies at the lower right and is shifted out.
        assert_eq!(out, [-1.0; 9]);
        images.seen(
            0,
            View {
                mirrored: false,
                ..view
            },
            &mut out,
        );
        assert_eq!(out, [-1.0, -1.0, -1.0, -1.0, 1.0, -1.0, -1.0, -1.0, -1.0]);
    }

    #[test]
    fn shifts_take_every_value_alike_often() {
        let schedule = ScheduleParams {
            steps: 1,
            batch: 32,
            rate: 1.0,
            warm_up: 0,
            decay: 0.0,
            beta1: 0.9,
            beta2: 0.9,
            clip: 1.0,
            shift: 1,
            flip: true,
        };
        let mut counts = std::collections::BTreeMap::new();
        for image in 0..18_000 {
            let view = view(Seed(1), 2, image, &schedule);
            *counts
                .entry((view.right, view.down, view.mirrored))
                .or_insert(0) += 1;
        }
        assert_eq!(counts.len(), 18);
        // Expected 1000 each with a standard deviation of 31.
        assert!(
            counts.values().all(|count| (850..1150).contains(count)),
            "{counts:?}"
        );
    }
}
