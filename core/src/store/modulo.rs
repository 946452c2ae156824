//! From a derivation to its paths. The hash *modulo* is that of a derivation's text with its input derivations replaced by
//! their hashes modulo, and fixed outputs by what they are: so it does not change with how something fixed is fetched.

use super::derivation::{Derivation, Output, Parts, Text, separate, write_input};
use super::hash::{Digest, HexDigest, base32, hex, sha256};
use super::later::Later;
use super::path::{output_name, output_path, store_name, text_path};
use crate::kept::Keeper;
use bytes::Bytes;
use hashbrown::HashTable;
use rustc_hash::FxHasher;
use std::hash::Hasher;
use std::rc::Rc;
use std::sync::Arc;

/// What a derivation counts as in the hash of one that needs it.
#[derive(Clone, Debug)]
pub enum Modulo {
    /// Outputs at paths that follow from the derivation.
    Hash(Arc<Later>),
    /// A fixed output: the derivation does not matter.
    Fixed(HexDigest),
    /// Outputs at paths that are not known before they are built.
    Deferred,
}

/// Why a derivation has no path: the text of a message.
pub type ResolveError = String;

/// A derivation with its paths.
#[derive(Debug)]
pub struct Resolved {
    /// The path of its file.
    pub path: Vec<u8>,
    /// The text of its file.
    pub text: Bytes,
    /// What it counts as.
    pub modulo: Modulo,
    /// The path of each output, as far as it is known.
    pub outputs: Vec<Option<Vec<u8>>>,
}

impl Resolved {
    /// Whether it comes of a derivation with this name and these parts of a text.
    fn is_of(&self, name: &[u8], parts: &Parts) -> bool {
        store_name(&self.path).strip_suffix(b".drv") == Some(name)
            && parts.make(&self.text, &self.outputs)
    }
}

/// Computes all paths of derivations, in memory that it uses again.
#[derive(Default)]
pub struct Resolver {
    /// What it has come to before, by hash: half of the derivations of a package set are made twice or more.
    known: HashTable<(u64, Rc<Resolved>)>,
    parts: Parts,
    /// The inputs as they enter the hash.
    inputs: Vec<u8>,
    text: Vec<u8>,
    keeper: Keeper,
}

impl Resolver {
    /// Computes all paths of a derivation whose outputs are deferred, fixed, floating or impure. `lookup` knows what its inputs
    /// count as, and `references` are [its own](Derivation::references).
    pub fn resolve<'m>(
        &mut self,
        derivation: &Derivation<'_>,
        references: &[&[u8]],
        lookup: impl Fn(&[u8]) -> Option<&'m Modulo>,
    ) -> Result<Rc<Resolved>, ResolveError> {
        derivation.write_parts(&mut self.parts);
        let Parts { head, inputs, tail } = &self.parts;
        let mut hasher = FxHasher::default();
        for part in [&derivation.name[..], &head.bytes, inputs, &tail.bytes] {
            hasher.write(part);
        }
        let hash = hasher.finish();
        let same = |(_, known): &(u64, Rc<Resolved>)| known.is_of(&derivation.name, &self.parts);
        if let Some((_, known)) = self.known.find(hash, same) {
            return Ok(known.clone());
        }
        let text = &mut self.text;
        text.clear();
        let is_deferred = |(_, output): &(_, Output<'_>)| *output == Output::Deferred;
        // Where the inputs stand in the text, if it has a modulo hash of its own.
        let (around, outputs);
        if !derivation.outputs.iter().all(is_deferred) {
            outputs = derivation
                .outputs
                .iter()
                .map(|(_, output)| output.path().map(<[u8]>::to_vec))
                .collect();
            around = None;
            append(text, [&head.bytes, inputs, &tail.bytes]);
        } else if inputs_modulo(derivation, lookup, &mut self.inputs)? {
            let masked = sha256(&[&head.bytes, &self.inputs, &tail.bytes]);
            outputs = derivation
                .outputs
                .iter()
                .map(|(name, _)| output_path(&derivation.name, name, &masked).map(Some))
                .collect::<Result<Vec<_>, _>>()?;
            head.fill(&outputs, text);
            let head_end = text.len();
            text.extend_from_slice(inputs);
            let tail_start = text.len();
            tail.fill(&outputs, text);
            around = Some(head_end..tail_start);
        } else {
            outputs = vec![None; derivation.outputs.len()];
            around = None;
            append(text, [&head.bytes, inputs, &tail.bytes]);
        }
        let name = [&derivation.name, &b".drv"[..]].concat();
        let path = text_path(&name, &sha256(&[&text[..]]), references.iter().copied())?;
        let text = self.keeper.keep(text);
        let modulo = match around {
            Some(around) => Modulo::Hash(Arc::new(Later::new(text.clone(), around, &self.inputs))),
            None => fixed_modulo(derivation).unwrap_or(Modulo::Deferred),
        };
        let resolved = Rc::new(Resolved {
            path,
            text,
            modulo,
            outputs,
        });
        self.known
            .insert_unique(hash, (hash, resolved.clone()), |(hash, _)| *hash);
        Ok(resolved)
    }
}

fn append(text: &mut Vec<u8>, parts: [&[u8]; 3]) {
    for part in parts {
        text.extend_from_slice(part);
    }
}

impl Modulo {
    /// What a finished derivation counts as.
    pub fn of<'m>(
        derivation: &Derivation<'_>,
        lookup: impl Fn(&[u8]) -> Option<&'m Modulo>,
    ) -> Result<Modulo, ResolveError> {
        if let Some(fixed) = fixed_modulo(derivation) {
            return Ok(fixed);
        }
        let known = |(_, output): &(_, Output<'_>)| matches!(output, Output::InputAddressed(_));
        if !derivation.outputs.iter().all(known) {
            return Ok(Modulo::Deferred);
        }
        let mut inputs = Vec::new();
        if !inputs_modulo(derivation, lookup, &mut inputs)? {
            return Ok(Modulo::Deferred);
        }
        let mut parts = Parts::default();
        derivation.write_parts(&mut parts);
        let hash = sha256(&[&parts.head.bytes, &inputs, &parts.tail.bytes]);
        Ok(Modulo::Hash(Arc::new(Later::known(hex(&hash)))))
    }
}

/// Which outputs of an input are needed.
enum Wanted<'d> {
    These(&'d [Text<'d>]),
    /// A fixed output counts as a derivation with this one output.
    Out,
    /// Those of several derivations that count as the same one, sorted.
    Merged(Vec<&'d [u8]>),
}

impl<'d> Wanted<'d> {
    fn names(&self) -> Vec<&'d [u8]> {
        match self {
            Wanted::These(names) => names.iter().map(|name| &**name).collect(),
            Wanted::Out => vec![b"out"],
            Wanted::Merged(names) => names.clone(),
        }
    }
}

fn fixed_modulo(derivation: &Derivation<'_>) -> Option<Modulo> {
    let [(_, Output::Fixed { path, method, hash })] = &derivation.outputs[..] else {
        return None;
    };
    let digest = sha256(&[
        b"fixed:out:",
        method.prefix().as_bytes(),
        hash.algorithm.name().as_bytes(),
        b":",
        &hash.hex(),
        b":",
        path,
    ]);
    Some(Modulo::Fixed(hex(&digest)))
}

/// Writes the inputs as they enter the hash; false if the paths of some are not known.
fn inputs_modulo<'m>(
    derivation: &Derivation<'_>,
    lookup: impl Fn(&[u8]) -> Option<&'m Modulo>,
    out: &mut Vec<u8>,
) -> Result<bool, ResolveError> {
    let known = |path: &[u8]| {
        lookup(path).ok_or_else(|| format!("path '{}' is not valid", String::from_utf8_lossy(path)))
    };
    let mut inputs: Vec<(&HexDigest, Wanted<'_>)> = Vec::with_capacity(derivation.input_drvs.len());
    for (path, outputs) in &derivation.input_drvs {
        match known(path)? {
            Modulo::Deferred => return Ok(false),
            Modulo::Hash(hash) => inputs.push((hash.digest(), Wanted::These(outputs))),
            Modulo::Fixed(hash) => {
                if let Some(other) = outputs.iter().find(|output| &***output != b"out") {
                    return Err(format!(
                        "no hash for output '{}' of derivation '{}'",
                        String::from_utf8_lossy(other),
                        String::from_utf8_lossy(&derivation.name)
                    ));
                }
                inputs.push((hash, Wanted::Out));
            }
        }
    }
    // Outputs of outputs do not enter the hash, but what they start from has to be known.
    for (path, _) in &derivation.dynamic_inputs {
        if matches!(known(path)?, Modulo::Deferred) {
            return Ok(false);
        }
    }
    inputs.sort_unstable_by_key(|(hash, _)| *hash);
    // Derivations that count as the same one are one input.
    inputs.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            let mut merged = kept.1.names();
            merged.extend(next.1.names());
            merged.sort_unstable();
            merged.dedup();
            kept.1 = Wanted::Merged(merged);
        }
        same
    });
    out.clear();
    for (index, (hash, wanted)) in inputs.iter().enumerate() {
        separate(out, index);
        match wanted {
            Wanted::These(names) => write_input(out, &hash[..], names.iter().map(|name| &**name)),
            Wanted::Out => write_input(out, &hash[..], [&b"out"[..]]),
            Wanted::Merged(names) => write_input(out, &hash[..], names.iter().copied()),
        }
    }
    Ok(true)
}

/// What stands for the path of an output within the derivation that builds it.
pub fn output_placeholder(output: &[u8]) -> Vec<u8> {
    shown(&sha256(&[b"nix-output:", output]))
}

/// What stands for the path of an output, not known before it is built, in derivations that need it.
pub fn unknown_output_placeholder(drv_path: &[u8], output: &[u8]) -> Vec<u8> {
    shown(&unknown_output(drv_path, output))
}

/// The same of an output of an output: `way` has its name and that of each derivation on the way there, the outermost first.
pub fn unknown_placeholder<'w>(
    drv_path: &[u8],
    way: impl IntoIterator<Item = &'w [u8]>,
) -> Vec<u8> {
    let mut way = way.into_iter();
    let mut digest = unknown_output(drv_path, way.next().unwrap_or_default());
    for output in way {
        let mut folded = [0u8; 20];
        for (index, byte) in digest.iter().enumerate() {
            folded[index % 20] ^= byte;
        }
        digest = sha256(&[b"nix-computed-output:", &base32(&folded), b":", output]);
    }
    shown(&digest)
}

fn unknown_output(drv_path: &[u8], output: &[u8]) -> Digest {
    let base = crate::path::base_name(drv_path);
    let (hash, name) = base.split_at_checked(32).unwrap_or((base, b""));
    let name = name.strip_prefix(b"-").unwrap_or(name);
    let name = name.strip_suffix(b".drv").unwrap_or(name);
    sha256(&[
        b"nix-upstream-output:",
        hash,
        b":",
        &output_name(name, output),
    ])
}

/// A placeholder looks like an absolute path.
fn shown(digest: &Digest) -> Vec<u8> {
    [b"/", &base32(digest)[..]].concat()
}

#[cfg(test)]
mod tests {
    use super::super::derivation::Method;
    use super::super::hash::{Algorithm, Hash};
    use super::*;
    use std::borrow::Cow;

    /// What a derivation counts as, if its paths follow from it.
    fn digest(modulo: &Modulo) -> &HexDigest {
        match modulo {
            Modulo::Hash(hash) => hash.digest(),
            other => panic!("{other:?}"),
        }
    }

    fn draft<'d>(name: &'static str) -> Derivation<'d> {
        let mut derivation = Derivation {
            name: Cow::Borrowed(name.as_bytes()),
            outputs: vec![(Cow::Borrowed(b"out"), Output::Deferred)],
            system: Cow::Borrowed(b"s"),
            builder: Cow::Borrowed(b"b"),
            ..Derivation::default()
        };
        for (variable, value) in [
            ("builder", "b"),
            ("name", name),
            ("out", ""),
            ("system", "s"),
        ] {
            derivation.set_env(
                Cow::Borrowed(variable.as_bytes()),
                Cow::Borrowed(value.as_bytes()),
            );
        }
        derivation
    }

    /// The expected paths are those of Nix for `derivation { name = "x"; system = "s"; builder = "b"; }`, and for one named
    /// "y" with `x = "${x}"` too.
    #[test]
    fn paths_are_those_of_nix() {
        let mut resolver = Resolver::default();
        let x = resolver.resolve(&draft("x"), &[], |_| None).expect("valid");
        assert_eq!(
            String::from_utf8_lossy(&x.path),
            "/nix/store/5wq5jx7219pmi3xklyhl77fjbqvy6qaj-x.drv"
        );
        let out = x.outputs[0].clone().expect("known");
        assert_eq!(
            String::from_utf8_lossy(&out),
            "/nix/store/gwwjwi08fyrbrz2d8zkfvy65nzzq2czp-x"
        );
        let read = Derivation::read(b"x", &x.text).expect("valid");
        let again = Modulo::of(&read, |_| None).expect("valid");
        assert_eq!(digest(&again), digest(&x.modulo));
        let mut y = draft("y");
        y.set_env(Cow::Borrowed(b"x"), Cow::Owned(out));
        y.input_drvs.push((
            Cow::Borrowed(&x.path),
            smallvec::smallvec![Cow::Borrowed(&b"out"[..])],
        ));
        let y = resolver
            .resolve(&y, &y.references(), |path| {
                (path == x.path).then_some(&x.modulo)
            })
            .expect("valid");
        assert_eq!(
            String::from_utf8_lossy(&y.path),
            "/nix/store/1spqzjdqxgw30gm8ga0f07p3xrir16w9-y.drv"
        );
        assert_eq!(
            y.outputs[0].as_deref(),
            Some(&b"/nix/store/7ysjqk0i22cz55qbq1h3d40ihq3kkms0-y"[..])
        );
    }

    #[test]
    fn what_was_resolved_is_found_again() {
        let mut resolver = Resolver::default();
        let mut resolve = |derivation: &Derivation<'_>| {
            resolver
                .resolve(derivation, &[], |_| None)
                .expect("it is valid")
        };
        let first = resolve(&draft("x"));
        assert!(Rc::ptr_eq(&first, &resolve(&draft("x"))));
        // The name stands in the paths alone.
        let mut renamed = draft("x");
        renamed.name = Cow::Borrowed(b"xx");
        // Here a variable says what there is the path of an output.
        let mut spelled = draft("x");
        spelled.outputs[0].0 = Cow::Borrowed(b"dev");
        spelled.set_env(
            Cow::Borrowed(b"out"),
            Cow::Owned(first.outputs[0].clone().expect("known")),
        );
        let mut fixed = draft("x");
        fixed.outputs[0].1 = Output::Fixed {
            path: Cow::Borrowed(b"/nix/store/p"),
            method: Method::Flat,
            hash: Hash::zero(Algorithm::Sha256),
        };
        let mut more = draft("x");
        more.outputs
            .insert(0, (Cow::Borrowed(b"dev"), Output::Deferred));
        more.set_env(Cow::Borrowed(b"dev"), Cow::Borrowed(b""));
        for (index, other) in [renamed, spelled, fixed, more].iter().enumerate() {
            let resolved = resolve(other);
            assert_ne!(resolved.path, first.path, "{index}");
            assert!(Rc::ptr_eq(&resolved, &resolve(other)), "{index}");
        }
        assert!(Rc::ptr_eq(&first, &resolve(&draft("x"))));
    }

    #[test]
    fn placeholders_are_those_of_nix() {
        assert_eq!(
            output_placeholder(b"out"),
            b"/1rz4g4znpzjwh1xymhjpm42vipw92pr73vdgl6xs1hycac8kf2n9"
        );
        let drv = b"/nix/store/4qf4i8bckqr44m0nbylixm34fp6rvy6k-p.drv.drv";
        assert_eq!(
            unknown_placeholder(drv, [&b"out"[..], b"out"]),
            b"/06v3d6mhc28szclq8d7jkmd1k392bvm386x9cdj77b9ggkby5ldg"
        );
        assert_eq!(
            unknown_placeholder(drv, [&b"out"[..], b"out", b"x"]),
            b"/1ly44gi2ckn5zzfmxpygrihf90vmr1z0wa1lszfr7xvsci23jz57"
        );
    }
}
