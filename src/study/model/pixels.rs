//! What a `preprocessor_config.json` says of images, against what a run does with them.

use serde_json::Value;

use super::keys::short;
use crate::base::json;
use crate::base::mistake::Mistakes;
use crate::base::notice::Notices;

/// How pixels `x` of 0..255 go into the encoder the file belongs to: `(x / 255 - mean) / deviation`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pixels {
    /// Of the one channel.
    pub mean: f64,
    /// See `mean`.
    pub deviation: f64,
    /// What a reader should know.
    pub notices: Notices,
}

/// Keys without effect on an image of the encoder's own size and channels.
const WITHOUT_EFFECT: &[&str] = &[
    "image_processor_type",
    "feature_extractor_type",
    "processor_class",
    "image_processor_class",
    "resample",
    "data_format",
    "input_data_format",
    "default_to_square",
    "do_center_crop",
    "do_resize",
    "do_rescale",
    "do_normalize",
    "return_tensors",
    "device",
    "disable_grouping",
    "_valid_processor_keys",
    "patch_size",
];

impl Pixels {
    /// Reads the text of a `preprocessor_config.json` of an encoder whose images have `side` pixels.
    ///
    /// # Errors
    /// Another size than the encoder's, a numbers for more than one channel, what is not computed.
    pub fn read(text: &[u8], side: usize) -> Result<Self, Mistakes> {
        let mut mistakes = Mistakes::none();
        let m = &mut mistakes;
        let mut notices = Notices::none();
        let own = "take the model's own preprocessor_config.json";
        let tree = json::table(text, own)?;
        let on = |key: &str, standard: bool| tree[key].as_bool().unwrap_or(standard);
        let sides = |value: &Value| match value {
            Value::Object(sides) => sides.values().all(|one| one.as_u64() == Some(side as u64)),
            one => one.as_u64() == Some(side as u64),
        };
        for (key, needed) in [
            ("size", on("do_resize", true)),
            ("crop_size", on("do_center_crop", false)),
        ] {
            let size = &tree[key];
            m.require(
                !needed || size.is_null() || sides(size),
                key,
                short(size),
                format!("images of {side} x {side} would be brought to another size, which is not computed"),
                "take the model's own config.json and preprocessor_config.json",
            );
        }
        m.require(
            !on("do_convert_rgb", false),
            "do_convert_rgb",
            true,
            "images of one channel would be given three, which is not computed",
            "take an encoder of grey images",
        );
        // Of one channel, or of channels that are alike.
        let mut one = |key: &str, standard: f64| match &tree[key] {
            Value::Null => standard,
            Value::Array(list) if !list.is_empty() && list.iter().all(|x| x == &list[0]) => {
                list[0].as_f64().unwrap_or(f64::NAN)
            }
            value => value.as_f64().unwrap_or_else(|| {
                m.add(
                    key,
                    short(value),
                    "must be one number, or alike for all channels",
                    own,
                );
                standard
            }),
        };
        let factor = if on("do_rescale", true) {
            one("rescale_factor", 1.0 / 255.0)
        } else {
            1.0
        };
        let (mean, deviation) = if on("do_normalize", true) {
            (one("image_mean", 0.5), one("image_std", 0.5))
        } else {
            (0.0, 1.0)
        };
        let scale = 255.0 * factor;
        m.require(
            scale.is_finite() && scale > 0.0 && mean.is_finite() && deviation > 0.0,
            "image_std",
            short(&tree["image_std"]),
            "rescale_factor and image_std must be above zero, and image_mean a number",
            own,
        );
        for key in tree.as_object().into_iter().flatten().map(|(key, _)| key) {
            const READ: [&str; 6] = [
                "size",
                "crop_size",
                "do_convert_rgb",
                "rescale_factor",
                "image_mean",
                "image_std",
            ];
            if !READ.contains(&key.as_str()) && !WITHOUT_EFFECT.contains(&key.as_str()) {
                notices.note(format!("the key `{key}` is not used"));
            }
        }
        mistakes.or(|| Self {
            mean: mean / scale,
            deviation: deviation / scale,
            notices,
        })
    }

    /// Whether a run that takes these numbers does the same.
    ///
    /// # Errors
    /// Each number that is another one, with the one to set.
    pub fn agrees(&self, mean: f64, deviation: f64) -> Result<(), Mistakes> {
        let mut mistakes = Mistakes::none();
        for (key, run, own) in [
            ("mean", mean, self.mean),
            ("deviation", deviation, self.deviation),
        ] {
            mistakes.require(
                (run - own).abs() <= 1e-6 * own.abs().max(1e-3),
                key,
                run,
                format!("the encoder's preprocessor_config.json comes to {own}"),
                format!("set task.images.{key} = {own}"),
            );
        }
        mistakes.or(|| ())
    }
}
