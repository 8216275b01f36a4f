//! What can be said to a release, as buttons.

use crate::api::FrappeRelease;
use crate::release::saying::{Gate, Offer, Word, offers};
use crate::web::api::OfferView;

/// The buttons of a release.
pub(super) fn views(release: &FrappeRelease) -> Vec<OfferView> {
    offers(release).into_iter().map(view).collect()
}

fn view(offer: Offer) -> OfferView {
    OfferView {
        command: offer.word.to_string(),
        label: label(&offer.word),
        warning: warning(&offer.word).to_owned(),
        is_awaited: offer.is_awaited,
        mark: offer.mark,
        reason: offer.saying.err(),
    }
}

fn label(word: &Word) -> String {
    let words = match word {
        Word::Approve(Gate::Plan) => "Approve the plan",
        Word::Approve(Gate::Window) => "Approve a maintenance window",
        Word::Approve(Gate::Promote) => "Approve the promotion",
        Word::Approve(Gate::Contract) => "Approve the contraction",
        Word::Approve(Gate::Step(name)) => return format!("Approve '{name}'"),
        Word::Promote { full: false, .. } => "Promote",
        Word::Promote { full: true, .. } => "Promote to 100 %",
        Word::Pause => "Pause",
        Word::Resume => "Resume",
        Word::Abort => "Abort",
        Word::Retry => "Retry",
        Word::Undo => "Undo",
    };
    words.to_owned()
}

/// What is asked once more before it is said.
fn warning(word: &Word) -> &'static str {
    match word {
        Word::Approve(Gate::Window) => {
            "Users are shut out while green migrates, and there is no way back but a restored backup."
        }
        Word::Approve(Gate::Contract) => {
            "This is the point of no return: what only blue needs is removed from the database."
        }
        Word::Promote { full: true, .. } => {
            "All traffic goes to green at once, without the pauses that are left."
        }
        Word::Abort | Word::Undo => {
            "All traffic goes back to blue, and what the release did to the database is taken back."
        }
        Word::Approve(Gate::Plan | Gate::Promote | Gate::Step(_))
        | Word::Promote { full: false, .. }
        | Word::Pause
        | Word::Resume
        | Word::Retry => "",
    }
}
