//! What is asked of a satellite: of its program over the link, with the satellite's own answer; of its outputs as of any other,
//! and held for it while it is not there.

use campanile_core::decision::ReplyResult;
use campanile_delivery::satellite::Outcome;

use super::answer::{judged, respond};
use super::{Asked, PATIENCE, Service, StatusSource, none_of};
use crate::control::protocol::Response;
use crate::satellites::asking::{Asker, Wish};

/// Nobody knows what became of it.
const UNANSWERED: &str = "has not confirmed it, and may still carry it out within half a minute; `campanile link log` shows whether it has";

impl<S: StatusSource + 'static> Service<S> {
    /// Asks something of the program of a satellite; `text` says what is so then. `None` if the name is none of a satellite's.
    pub(super) async fn ask_satellite(
        &self,
        asked: Asked,
        wish: Wish<'_>,
        text: &str,
    ) -> Option<Result<Response, String>> {
        // No name of the house's own has a dot.
        let (satellite, own) = wish.name().split_once('.')?;
        let Asked { origin, id, issued } = asked;
        let Some(issued) = issued else {
            return Some(respond(judged(ReplyResult::Expired), text.to_owned()));
        };
        let by = Asker { origin, id, issued };
        let outcome = match self.shared.status.ask(satellite, by, wish.about(own))? {
            Ok(outcome) => outcome,
            Err(none) => return Some(Err(none_of(&none, wish))),
        };
        Some(match tokio::time::timeout(PATIENCE, outcome).await {
            Ok(Ok(Outcome::Answered(result))) => respond(judged(result), text.to_owned()),
            Ok(Ok(Outcome::Away)) => {
                let why = self.shared.status.why_away(satellite).map(|why| format!(" ({why})"));
                let why = why.unwrap_or_default();
                Err(format!("{satellite} cannot be asked now{why}, and was not; try again later"))
            }
            Ok(Ok(Outcome::Crowded)) => Err(format!("too much is asked of {satellite} at once; try again")),
            Ok(Ok(Outcome::Unanswered)) | Err(_) => Err(format!("{satellite} {UNANSWERED}")),
            Ok(Err(_)) => {
                Err("another request with the same number took its place, or the satellite is gone with the \
                 program of this file"
                    .to_owned())
            }
        })
    }

    /// What is so when an output was written: of a satellite that cannot be told now, as soon as it can.
    pub(super) fn once_told(&self, output: &str, text: String) -> String {
        let satellite = output.split_once('.').map(|(satellite, _)| satellite);
        let away = satellite.and_then(|name| Some((name, self.shared.status.why_away(name)?)));
        match away {
            Some((name, why)) => format!("{text} as soon as {name} can be told, which it cannot now: {why}"),
            None => text,
        }
    }
}
