//! Images and their classes, out of arrays of bytes.

use super::{ImagesParams, Judge, Lengths, Targets, TaskSet, classed, few, twice, without};
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
    let both = twice(files.images.values.chunks_exact(pixels), &own);
    let value = format!("\"{}\"", params.calibration.display());
    let mut notices = Notices::none();
    match few(&both, own.len(), &value, |at| format!("image {at}")) {
        Ok(said) => said.into_iter().for_each(|said| {
            notices.note(format!("{}: {said}", params.calibration.display()));
        }),
        Err(wrong) => return Err(wrong.within("calibration")),
    }
    let own = without(own, &both);
    m.require(
        own.len() >= calibration,
        "calibration",
        "",
        format!(
            "holds {} images, and {calibration} are asked for",
            own.len()
        ),
        "name another file, or lower `task.calibration_samples`",
    );
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

#[cfg(test)]
mod tests {
    use super::*;

    fn files(labels: usize) -> ImageFiles {
        let array = |shape: &[usize], first: u8| ByteArray {
            shape: shape.to_vec(),
            values: (first..).take(shape.iter().product()).collect(),
        };
        ImageFiles {
            images: array(&[3, 2, 2], 0),
            labels: array(&[labels], 0),
            calibration: array(&[2, 2, 2], 100),
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
            few.starts_with("calibration: holds 2 images, and 5 are asked for"),
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
        both.calibration.values[4..].fill(200);
        let said = images(&both, &params(), (2, 1)).unwrap_err().0;
        let words = "calibration = \"c\": 1 of its 2 rows are measured too, the first in image 0";
        assert!(said[0].to_string().starts_with(words), "{said:?}");
    }
}
