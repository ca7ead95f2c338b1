//! Images and their classes, out of arrays of bytes.

use super::{ImagesParams, Judge, Lengths, Targets, TaskSet, classed, enough, few, without};
use std::collections::HashMap;

use crate::base::arrays::ByteArray;
use crate::base::mistake::Mistakes;
use crate::base::notice::Notices;
use crate::study::model::Input;

/// What the three files of an image set hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageFiles {
    /// Images x rows x columns.
    pub images: ByteArray,
    /// One a image.
    pub labels: ByteArray,
    /// Images x rows x columns.
    pub calibration: ByteArray,
}

/// The set of an encoder that has a classifier of its own and takes images of `side` x `side` pixels.
///
/// # Errors
/// Shapes that do not fit each other or the encoder; fewer calibration images than asked for; images that
/// are measured and calibrate.
pub fn images(
    files: &ImageFiles,
    params: &ImagesParams,
    (side, calibration): (usize, usize),
) -> Result<TaskSet, Mistakes> {
    let mut mistakes = Mistakes::none();
    let m = &mut mistakes;
    let pixels = side * side;
    let fits = |key: &str, array: &ByteArray, m: &mut Mistakes| {
        m.require(
            matches!(array.shape[..], [count, rows, columns] if count > 0 && [rows, columns] == [side, side]),
            key,
            "",
            format!(
                "has shape {:?}; it must be [images, {side}, {side}], as the encoder takes them",
                array.shape
            ),
            "name a file of such images",
        );
    };
    fits("path", &files.images, m);
    fits("calibration", &files.calibration, m);
    let count = files.images.shape.first().copied().unwrap_or(0);
    m.require(
        files.labels.shape == [count],
        "labels",
        "",
        format!(
            "has shape {:?}, and there are {count} images",
            files.labels.shape
        ),
        "name the file of these images' labels",
    );
    if !m.0.is_empty() {
        return Err(mistakes);
    }
    let own: Vec<&[u8]> = files.calibration.values.chunks_exact(pixels).collect();
    let (blank, own): (Vec<&[u8]>, Vec<&[u8]>) = own.into_iter().partition(|image| is_blank(image));
    let both = alike(files.images.values.chunks_exact(pixels), &own);
    let value = format!("\"{}\"", params.calibration.display());
    let mut notices = Notices::none();
    match few(&both, own.len(), &value, |at| format!("image {at}")) {
        Ok(said) => said.into_iter().for_each(|said| {
            notices.note(format!("{}: {said}", params.calibration.display()));
        }),
        Err(wrong) => return Err(wrong.within("calibration")),
    }
    if !blank.is_empty() {
        notices.note(format!(
            "{}: {} images are of one colour and calibrate nothing",
            params.calibration.display(),
            blank.len()
        ));
    }
    let own = without(own, &both);
    let what = "images that are not measured and not of one colour";
    m.keep("calibration", enough(own.len(), calibration, what));
    let input = |image: &[u8]| {
        let pixel = |x: &u8| ((f64::from(*x) / 255.0 - params.mean) / params.deviation) as f32;
        Input::Image(image.iter().map(pixel).collect())
    };
    let labels: Vec<usize> = files
        .labels
        .values
        .iter()
        .map(|x| usize::from(*x))
        .collect();
    mistakes.or(|| TaskSet {
        samples: classed(files.images.values.chunks_exact(pixels).map(input), &labels),
        targets: Targets::Classes(labels),
        calibration: own.into_iter().take(calibration).map(input).collect(),
        lengths: Lengths::default(),
        notices,
        judge: Judge::Classifier,
    })
}

fn is_blank(image: &[u8]) -> bool {
    image.windows(2).all(|pair| pair[0] == pair[1])
}

/// Correlation of their pixels from which two images are one, whatever its brightness and contrast.
const ONE: f64 = 0.999;

/// Indices of the `own` images that are among those that are measured, in any brightness and contrast. Only images
/// with the same pixels above their mean are compared; which those are, neither changes.
fn alike<'a>(measured: impl Iterator<Item = &'a [u8]>, own: &[&[u8]]) -> Vec<usize> {
    let above = |image: &[u8]| -> Vec<bool> {
        let sum: u64 = image.iter().map(|x| u64::from(*x)).sum();
        let count = image.len() as u64;
        image.iter().map(|x| u64::from(*x) * count >= sum).collect()
    };
    let mut of_pattern: HashMap<Vec<bool>, Vec<&[u8]>> = HashMap::new();
    for image in measured {
        of_pattern.entry(above(image)).or_default().push(image);
    }
    let is_measured = |image: &[u8]| {
        let others = of_pattern.get(&above(image)).into_iter().flatten();
        others
            .into_iter()
            .any(|other| correlation(image, other) > ONE)
    };
    (0..own.len()).filter(|at| is_measured(own[*at])).collect()
}

fn correlation(a: &[u8], b: &[u8]) -> f64 {
    let mean = |image: &[u8]| image.iter().map(|x| f64::from(*x)).sum::<f64>() / image.len() as f64;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let (mut both, mut own, mut other) = (0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(b) {
        let (a, b) = (f64::from(*a) - mean_a, f64::from(*b) - mean_b);
        both += a * b;
        own += a * a;
        other += b * b;
    }
    both / f64::sqrt(own * other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(labels: usize) -> ImageFiles {
        let array = |shape: &[usize], values: Vec<u8>| ByteArray {
            shape: shape.to_vec(),
            values,
        };
        ImageFiles {
            images: array(&[3, 2, 2], (0..12).collect()),
            labels: array(&[labels], (0..labels as u8).collect()),
            calibration: array(&[2, 2, 2], vec![100, 103, 101, 102, 110, 117, 113, 111]),
        }
    }

    fn params() -> ImagesParams {
        ImagesParams {
            path: "a".into(),
            labels: "b".into(),
            calibration: "c".into(),
            mean: 0.5,
            deviation: 0.25,
        }
    }

    #[test]
    fn pixels_are_normalised_and_labels_stay_with_their_images() {
        let set = images(&files(3), &params(), (2, 1)).unwrap();
        assert_eq!(set.calibration.len(), 1);
        assert_eq!(set.targets, Targets::Classes(vec![0, 1, 2]));
        let Input::Image(pixels) = &set.samples[1].1 else {
            panic!()
        };
        assert!((f64::from(pixels[3]) - (7.0 / 255.0 - 0.5) / 0.25).abs() < 1e-7);
    }

    #[test]
    fn shapes_that_do_not_fit_are_named() {
        let said = |files: &ImageFiles, sizes| {
            let wrong = images(files, &params(), sizes).unwrap_err();
            wrong.0[0].to_string()
        };
        let labels = said(&files(2), (2, 1));
        assert!(
            labels.starts_with("labels: has shape [2], and there are 3 images"),
            "{labels}"
        );
        let few = said(&files(3), (2, 5));
        assert!(
            few.starts_with(
                "calibration: holds 2 images that are not measured and not of one colour, and 5 are asked for"
            ),
            "{few}"
        );
        // As many pixels in another shape are another image.
        let mut flat = files(3);
        flat.images.shape = vec![3, 1, 4];
        let flat = said(&flat, (2, 1));
        assert!(
            flat.starts_with("path: has shape [3, 1, 4]; it must be [images, 2, 2]"),
            "{flat}"
        );
    }

    #[test]
    fn images_that_are_measured_calibrate_nothing() {
        let mut both = files(3);
        both.calibration.values = both.images.values[..8].to_vec();
        let said = images(&both, &params(), (2, 1)).unwrap_err().0;
        let words = "calibration = \"c\": holds the rows that are measured, all 2";
        assert!(said[0].to_string().starts_with(words), "{said:?}");
        both.calibration.values[4..].copy_from_slice(&[9, 5, 0, 7]);
        let said = images(&both, &params(), (2, 1)).unwrap_err().0;
        let words = "calibration = \"c\": 1 of its 2 rows are measured too, the first in image 0";
        assert!(said[0].to_string().starts_with(words), "{said:?}");
    }

    /// A wedge of greys, of another slope for each image.
    fn wedge(slope: u8, first: u8) -> Vec<u8> {
        (0..4).map(|x| first + [0, 9, 5, slope][x]).collect()
    }

    #[test]
    fn an_image_in_another_light_is_the_image() {
        let mut both = files(3);
        both.images.values = [wedge(1, 0), wedge(7, 20), wedge(3, 90)].concat();
        // One of them a grey brighter, one with twice its contrast.
        let brighter = wedge(7, 21);
        let harder: Vec<u8> = wedge(3, 0).iter().map(|x| 2 * x).collect();
        both.calibration.values = [brighter.clone(), harder].concat();
        let said = images(&both, &params(), (2, 1)).unwrap_err().0;
        let words = "calibration = \"c\": holds the rows that are measured, all 2";
        assert!(said[0].to_string().starts_with(words), "{said:?}");
        both.calibration.values = [brighter, vec![0, 9, 5, 40]].concat();
        let said = images(&both, &params(), (2, 1)).unwrap_err().0;
        assert!(said[0].problem.starts_with("1 of its 2 rows"), "{said:?}");
        both.calibration.values = [vec![9, 5, 0, 7], vec![0, 9, 5, 40]].concat();
        assert!(images(&both, &params(), (2, 2)).is_ok());
    }

    #[test]
    fn images_of_one_colour_calibrate_nothing() {
        let mut blank = files(3);
        blank.calibration.values[4..].fill(7);
        let set = images(&blank, &params(), (2, 1)).unwrap();
        assert_eq!(set.calibration.len(), 1);
        assert!(
            set.notices
                .iter()
                .any(|(_, said)| said == "c: 1 images are of one colour and calibrate nothing")
        );
        blank.calibration.values.fill(0);
        let said = images(&blank, &params(), (2, 1)).unwrap_err().0;
        assert_eq!(
            (said[0].key.as_str(), said[0].fix.as_str()),
            ("calibration", "name another file")
        );
    }
}
