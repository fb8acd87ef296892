//! Just enough of a reader of HTML and XML to see whether a page is whole.

/// Elements that HTML never closes.
const VOID: [&str; 5] = ["meta", "link", "br", "hr", "img"];

/// The names of all elements in order; or, if a tag is not closed where it should be, or text holds what belongs into a
/// tag, what is wrong there.
pub fn elements(page: &str) -> Result<Vec<&str>, String> {
    let mut all = Vec::new();
    let mut open: Vec<&str> = Vec::new();
    let mut rest = page.strip_prefix("<!DOCTYPE html>").unwrap_or(page);
    while let Some((text, from_tag)) = rest.split_once('<') {
        if text.contains('>') && open.last() != Some(&"style") {
            return Err(format!("a bare > in {text:?}"));
        }
        let (tag, after) = from_tag.split_once('>').ok_or_else(|| format!("a bare < before {from_tag:?}"))?;
        rest = after;
        if let Some(name) = tag.strip_prefix('/') {
            if open.pop() != Some(name) {
                return Err(format!("</{name}> closes nothing, before {after:?}"));
            }
            continue;
        }
        let name = tag.split([' ', '\n', '/']).next().unwrap_or_default();
        if !name.starts_with(|first: char| first.is_ascii_lowercase()) || tag.matches('"').count() % 2 == 1 {
            return Err(format!("no tag: <{tag}>"));
        }
        all.push(name);
        if !tag.ends_with('/') && !VOID.contains(&name) {
            open.push(name);
        }
    }
    if open.is_empty() { Ok(all) } else { Err(format!("never closed: {open:?}")) }
}
