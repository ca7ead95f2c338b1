//! A checkpoint of an unfinished training: its state and log with a checksum, and going on from it.

use std::path::Path;

use sha2::{Digest, Sha256};

use super::run::{RUN, Run, TrainingError};
use crate::base::hex::hex;
use crate::base::mistake::Mistakes;
use crate::shell::config::{FileMistakes, TrainingPlan};
use crate::shell::journal::{JournalError, write_whole};
use crate::study::train::{Metadata, Net, State, read_state, write_state};

/// What the name of its file ends in.
pub(super) const STATE: &str = "state.safetensors";

const LOG: &str = "log";
const SUM: &str = "checksum";

/// A checksum of all that a state's file holds beside it.
fn checksum(net: &Net, state: &State, metadata: &Metadata) -> String {
    hex(&Sha256::digest(write_state(net, state, metadata)))
}

impl Run<'_> {
    /// Writes a checkpoint.
    pub(super) fn keep(
        &self,
        path: &Path,
        state: &State,
        log: &str,
        run: &str,
    ) -> Result<(), JournalError> {
        let mut metadata = Metadata::from([
            (LOG.to_owned(), log.to_owned()),
            (RUN.to_owned(), run.to_owned()),
        ]);
        let sum = checksum(&self.plan.net, state, &metadata);
        metadata.insert(SUM.to_owned(), sum);
        write_whole(path, &write_state(&self.plan.net, state, &metadata))
    }

    /// The state in a file, if it is this training's, and the log up to there.
    pub(super) fn resumed(&self, path: &Path, run: &str) -> Result<(State, String), TrainingError> {
        let attend = &self.plan.attends[self.way];
        let units = attend.units(&self.plan.net);
        let (bytes, _) = TrainingPlan::checkpoint(path)?;
        let (state, mut metadata) = read_state(&self.plan.net, units, &bytes)
            .map_err(|mistakes| FileMistakes::of(&path.display().to_string(), mistakes))?;
        if metadata.get(RUN).is_none_or(|own| own != run) {
            let path = path.to_owned();
            return Err(JournalError::Other { path }.into());
        }
        let sum = metadata.remove(SUM);
        let is_whole = sum == Some(checksum(&self.plan.net, &state, &metadata));
        match metadata.remove(LOG).filter(|_| is_whole) {
            Some(log) => Ok((state, log)),
            None => {
                let mut mistakes = Mistakes::none();
                mistakes.add(
                    "",
                    "",
                    "is damaged: it does not hold what its checksum was taken of",
                    "say --force without --resume to start this training again",
                );
                Err(FileMistakes::of(&path.display().to_string(), mistakes).into())
            }
        }
    }
}
