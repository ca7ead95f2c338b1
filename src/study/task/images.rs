//! Images and their classes, out of arrays of bytes.

use super::{ImagesParams, Judge, Targets, TaskSet, classed};
use crate::base::mistake::Mistakes;
use crate::study::model::Input;
use crate::study::workload::arrays::ByteArray;

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

/// The set of an encoder that has a classifier of its own.
///
/// # Errors
/// Shapes that do not fit each other; fewer calibration images than asked for.
pub fn images(
    files: &ImageFiles,
    params: &ImagesParams,
    calibration: usize,
) -> Result<TaskSet, Mistakes> {
    let mut mistakes = Mistakes::none();
    let m = &mut mistakes;
    let size = |key: &str, array: &ByteArray, m: &mut Mistakes| match array.shape[..] {
        [count, rows, columns] if count > 0 && rows * columns > 0 => rows * columns,
        _ => {
            m.add(
                key,
                "",
                format!(
                    "has shape {:?}; it must be [images, rows, columns]",
                    array.shape
                ),
                "name the file of images",
            );
            1
        }
    };
    let pixels = size("path", &files.images, m);
    let rows = size("calibration", &files.calibration, m);
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
    let there = files.calibration.shape.first().copied().unwrap_or(0);
    m.require(
        rows == pixels && there >= calibration,
        "calibration",
        "",
        format!("holds {there} images of {rows} pixels; {calibration} of {pixels} are asked for"),
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
        calibration: files
            .calibration
            .values
            .chunks_exact(rows)
            .take(calibration)
            .map(input)
            .collect(),
        judge: Judge::Classifier,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(labels: usize) -> ImageFiles {
        let array = |shape: &[usize]| ByteArray {
            shape: shape.to_vec(),
            values: (0..shape.iter().product::<usize>())
                .map(|at| at as u8)
                .collect(),
        };
        ImageFiles {
            images: array(&[3, 2, 2]),
            labels: array(&[labels]),
            calibration: array(&[2, 2, 2]),
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
        let set = images(&files(3), &params(), 1).unwrap();
        assert_eq!(set.calibration.len(), 1);
        assert_eq!(set.targets, Targets::Classes(vec![0, 1, 2]));
        let Input::Image(pixels) = &set.samples[1].1 else {
            panic!()
        };
        assert!((f64::from(pixels[3]) - (7.0 / 255.0 - 0.5) / 0.25).abs() < 1e-7);
    }

    #[test]
    fn shapes_that_do_not_fit_are_named() {
        let said = images(&files(2), &params(), 5).unwrap_err();
        let said: Vec<String> = said.0.iter().map(ToString::to_string).collect();
        assert!(
            said[0].starts_with("labels: has shape [2], and there are 3 images"),
            "{said:?}"
        );
        assert!(
            said[1].starts_with("calibration: holds 2 images of 4 pixels; 5 of 4 are asked for")
        );
    }
}
