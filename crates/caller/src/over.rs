//! What is said over the assistant: to stop it, or as somebody does who listens.

use std::{sync::Arc, time::Duration};

use crate::{
    clip::Clip,
    options::{Line, Options, Place},
};

const STOP: &str = "Wait, stop.";
const NOD: &str = "Okay.";

/// What is said over answers.
pub(crate) struct Overs {
    /// The next turn; the last answer is spoken over with this.
    barge_in: Option<(Place, Arc<Clip>)>,
    nod: Option<(Place, Arc<Clip>)>,
}

/// What is said over one answer, and how long after its first sound.
pub(crate) enum Over {
    Nothing,
    BargeIn(Duration, Arc<Clip>),
    Nod(Duration, Arc<Clip>),
}

impl Overs {
    pub(crate) async fn load(options: &Options) -> anyhow::Result<Self> {
        let say = async |place: Option<Place>, text: &str| -> anyhow::Result<_> {
            let Some(place) = place else { return Ok(None) };
            let clip = Clip::load(&Line::Say(text.into()), options).await?;
            Ok(Some((place, Arc::new(clip))))
        };
        Ok(Self {
            barge_in: say(options.barge_in, STOP).await?,
            nod: say(options.nod, NOD).await?,
        })
    }

    /// What is said over the answer to a turn, from 1; `next` is what the next turn says.
    pub(crate) fn over(&self, turn: usize, next: Option<&Arc<Clip>>) -> Over {
        let at = |over: &Option<(Place, Arc<Clip>)>| {
            let over = over.as_ref().filter(|(place, _)| place.is_over(turn));
            over.map(|(place, clip)| (place.after, clip.clone()))
        };
        match (at(&self.barge_in), at(&self.nod)) {
            (Some((after, stop)), _) => Over::BargeIn(after, next.cloned().unwrap_or(stop)),
            (None, Some((after, nod))) => Over::Nod(after, nod),
            (None, None) => Over::Nothing,
        }
    }
}
