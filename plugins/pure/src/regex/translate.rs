//! Renders an expression in the syntax of the `regex` crate.

use super::syntax::{ByteSet, Node, Parsed, Refusal};
use regex::bytes::{Regex, RegexBuilder};
use std::fmt::Write;

/// How deep the rendered expression may nest, as the crate counts. The parser has limited the depth to less.
const NEST_LIMIT: u32 = 2000;
/// The parser has bounded the number of states already; this is that number in bytes, with room for big bracket expressions.
const SIZE_LIMIT: usize = 1 << 28;

/// Compiles `parsed`; `whole`: it must match all of the text.
pub fn compile(parsed: &Parsed, whole: bool) -> Result<Regex, Refusal> {
    let mut text = String::new();
    if whole {
        text.push_str("\\A(?:");
    }
    render(&parsed.root, &mut text);
    if whole {
        text.push_str(")\\z");
    }
    RegexBuilder::new(&text)
        .unicode(false)
        .nest_limit(NEST_LIMIT)
        .size_limit(SIZE_LIMIT)
        .build()
        .map_err(|_| Refusal::TooLarge)
}

fn render(node: &Node, text: &mut String) {
    match node {
        Node::Set(set) => render_set(*set, text),
        Node::Start => text.push_str("\\A"),
        Node::End => text.push_str("\\z"),
        Node::Group(node, _) => {
            text.push('(');
            render(node, text);
            text.push(')');
        }
        Node::Concat(nodes) => nodes.iter().for_each(|node| render(node, text)),
        Node::Alternatives(nodes) => {
            // An alternative stands alone or in a group of its own: no parentheses are needed but within a concatenation,
            // which the parser never makes.
            for (index, node) in nodes.iter().enumerate() {
                if index > 0 {
                    text.push('|');
                }
                render(node, text);
            }
        }
        Node::Plus(node) => {
            text.push_str("(?:");
            render(node, text);
            text.push_str(")+");
        }
        Node::Repeat { node, min, max } => {
            text.push_str("(?:");
            render(node, text);
            text.push(')');
            match (*min, *max) {
                (0, None) => text.push('*'),
                (0, Some(1)) => text.push('?'),
                (min, None) => push(text, format_args!("{{{min},}}")),
                (min, Some(max)) => push(text, format_args!("{{{min},{max}}}")),
            }
        }
    }
}

fn render_set(set: ByteSet, text: &mut String) {
    if set == ByteSet::ALL {
        return text.push_str("(?s:.)");
    }
    match set.ranges().as_slice() {
        [(first, last)] if first == last => push(text, format_args!("\\x{first:02x}")),
        [] => text.push_str("[^\\x00-\\xff]"),
        ranges => {
            text.push('[');
            for (first, last) in ranges {
                push(text, format_args!("\\x{first:02x}-\\x{last:02x}"));
            }
            text.push(']');
        }
    }
}

fn push(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = text.write_fmt(arguments);
}
