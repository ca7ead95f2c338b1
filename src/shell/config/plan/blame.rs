//! Whose mistake it is: a value that a sweep, a design or the command line put into the tree is blamed
//! on the place where it was written.

use super::super::{FileMistake, FileMistakes, tree};

/// A path of the tree and where its value was written.
#[derive(Clone, Debug)]
pub(in super::super) struct Origin {
    path: String,
    file: Option<&'static str>,
    /// The key that wrote there.
    pub(super) key: String,
    /// Which of its values did, where it holds a list of them.
    place: String,
}

impl Origin {
    /// Written elsewhere in the experiment file.
    pub(in super::super) fn in_file(path: &str, key: String) -> Self {
        Self {
            path: tree::normal(path),
            file: None,
            key,
            place: String::new(),
        }
    }

    /// The value at this place of a swept key's list: a part of it, `[1]` of a list for each head, lies within.
    pub(super) fn swept(path: &str, place: usize) -> Self {
        Self {
            place: format!("[{place}]"),
            ..Self::in_file(path, format!("sweep.\"{path}\""))
        }
    }

    /// Written on the command line.
    pub(in super::super) fn command_line(path: &str, key: String) -> Self {
        Self {
            file: Some("command line"),
            ..Self::in_file(path, key)
        }
    }
}

/// The same mistakes, each under the key where its value was written.
pub(in super::super) fn blame(found: FileMistakes, file: &str, origins: &[Origin]) -> FileMistakes {
    let mut told = FileMistakes::default();
    for mut one in found.0 {
        // From the last one that wrote there to the first: the command line may hold the list that is swept. Where
        // none did, the file itself is right.
        for origin in origins.iter().rev() {
            if one.file == file {
                origin.takes(&mut one);
            }
        }
        told.join(FileMistakes(vec![one]));
    }
    told
}

impl Origin {
    /// Rewrites a mistake that stems from here.
    fn takes(&self, one: &mut FileMistake) {
        let mistake = &mut one.mistake;
        let above = mistake.key.clone();
        let is_unknown = mistake.problem == tree::UNKNOWN;
        if tree::is_within(&above, &self.path) && !(is_unknown && above == self.path) {
            mistake.key = format!("{}{}{}", self.key, self.place, &above[self.path.len()..]);
        } else if above.is_empty() || !tree::is_within(&self.path, &above) {
            return;
        } else if is_unknown {
            // The whole path with the one word changed that is wrong.
            let name = above.rsplit('.').next().unwrap_or(&above);
            let before = &above[..above.len() - name.len()];
            if let Some(near) = mistake
                .fix
                .strip_prefix("did you mean `")
                .and_then(|after| after.split('`').next())
            {
                mistake.fix = mistake.fix.replacen(
                    &format!("`{near}`"),
                    &format!("`{before}{near}{}`", &self.path[above.len()..]),
                    1,
                );
            }
            mistake.problem = format!("the path does not exist: there is no `{above}`");
            mistake.key.clone_from(&self.key);
            mistake.value.clear();
        } else if mistake.problem == tree::ONE_CHOICE {
            let choice = self.path[above.len()..].trim_start_matches('.');
            mistake.problem = format!("`{above}` holds another choice in the file already");
            mistake.fix = format!("give the whole choice: `{above}` = {{ {choice} = ... }}");
            mistake.key.clone_from(&self.key);
            mistake.value.clear();
        } else if mistake.problem.starts_with("must be") && mistake.value.starts_with('{') {
            mistake.problem = format!("the path does not exist: `{above}` is not a table");
            mistake.fix = format!("end the path at `{above}`");
            mistake.key.clone_from(&self.key);
            mistake.value.clear();
        } else {
            return;
        }
        if let Some(file) = self.file {
            one.file = file.to_owned();
        }
    }
}
