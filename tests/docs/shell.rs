//! What pages tell their readers to type. The scenarios of `e2e` take it from here too, and type it.

/// A command line of a page.
#[derive(Debug)]
pub(crate) struct Typed {
    /// The line as it stands there; lines that go on are joined.
    pub(crate) text: String,
    /// The line of the page that it begins at, from 1.
    pub(crate) line: usize,
}

/// The command lines in the blocks `sh` of a page that `part` names: by the beginning of a heading (`## 3. `) those
/// below it, up to the next heading; by words those that contain them; by nothing all.
pub(crate) fn typed(page: &str, part: &str) -> Vec<Typed> {
    let is_heading = part.starts_with('#');
    let (mut found, mut is_below, mut fence, mut open) = (Vec::new(), !is_heading, None, None::<Typed>);
    for (line, number) in page.lines().zip(1..) {
        let line = line.trim_start();
        if let Some(language) = line.strip_prefix("```") {
            fence = if fence.is_none() { Some(language) } else { None };
        } else if fence.is_none() && is_heading && line.starts_with('#') {
            is_below = line.starts_with(part);
        } else if fence == Some("sh") && is_below && (open.is_some() || is_command(line)) {
            let begun = open.take().unwrap_or(Typed { text: String::new(), line: number });
            let (now, goes_on) = line.strip_suffix('\\').map_or((line, false), |now| (now, true));
            let typed = Typed { text: begun.text + now, ..begun };
            if goes_on {
                open = Some(typed);
            } else {
                found.push(typed);
            }
        }
    }
    found.retain(|typed: &Typed| is_heading || typed.text.contains(part));
    found
}

fn is_command(line: &str) -> bool {
    !line.is_empty() && !line.starts_with('#')
}
