//! Reads the text of a derivation.

use super::derivation::{Derivation, Method, Output, OutputNames, Text};
use super::dynamic::Way;
use super::hash::{Algorithm, Hash};
use std::borrow::Cow;

/// Why a text is not that of a derivation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AtermError {
    /// What should have stood there.
    pub expected: &'static str,
    /// Where, in bytes from the start.
    pub at: usize,
}

impl std::fmt::Display for AtermError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "expected {} at byte {}", self.expected, self.at)
    }
}

impl std::error::Error for AtermError {}

type Result<T> = std::result::Result<T, AtermError>;

impl<'a> Derivation<'a> {
    /// Reads the text of a derivation; its name stands in its path alone.
    pub fn read(name: &'a [u8], text: &'a [u8]) -> Result<Self> {
        let mut reader = Reader { text, at: 0 };
        // Only this form has inputs that are outputs of outputs.
        let versioned = reader.takes("DrvWithVersion(\"xp-dyn-drv\",");
        if !versioned {
            reader.expect("Derive(")?;
        }
        let outputs = reader.list(Reader::output)?;
        reader.expect(",")?;
        let mut dynamic_inputs = Vec::new();
        let input_drvs = reader.list(|reader| {
            reader.expect("(")?;
            let path = reader.string()?;
            reader.expect(",")?;
            let outputs = if versioned {
                let (outputs, ways) = reader.input_tree()?;
                dynamic_inputs.extend(ways.into_iter().map(|way| (path.clone(), way)));
                outputs
            } else {
                reader.list(Reader::string)?
            };
            reader.expect(")")?;
            Ok((path, outputs.into()))
        })?;
        // What is only the start of a way is no input of its own.
        let input_drvs = input_drvs
            .into_iter()
            .filter(|(_, outputs): &(_, OutputNames<'_>)| !versioned || !outputs.is_empty())
            .collect();
        reader.expect(",")?;
        let input_srcs = reader.list(Reader::string)?;
        reader.expect(",")?;
        let system = reader.string()?;
        reader.expect(",")?;
        let builder = reader.string()?;
        reader.expect(",")?;
        let args = reader.list(Reader::string)?;
        reader.expect(",")?;
        let env = reader.list(|reader| {
            reader.expect("(")?;
            let name = reader.string()?;
            reader.expect(",")?;
            let value = reader.string()?;
            reader.expect(")")?;
            Ok((name, value))
        })?;
        reader.expect(")")?;
        if reader.at != text.len() {
            return Err(reader.error("the end"));
        }
        Ok(Derivation {
            name: Cow::Borrowed(name),
            outputs,
            input_drvs,
            dynamic_inputs,
            input_srcs,
            system,
            builder,
            args,
            env,
        })
    }
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn error(&self, expected: &'static str) -> AtermError {
        AtermError {
            expected,
            at: self.at,
        }
    }

    fn takes(&mut self, token: &str) -> bool {
        let found = self.text[self.at..].starts_with(token.as_bytes());
        if found {
            self.at += token.len();
        }
        found
    }

    fn expect(&mut self, token: &'static str) -> Result<()> {
        if self.takes(token) {
            Ok(())
        } else {
            Err(self.error(token))
        }
    }

    fn list<T>(&mut self, mut member: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        self.expect("[")?;
        let mut members = Vec::new();
        if self.takes("]") {
            return Ok(members);
        }
        loop {
            members.push(member(self)?);
            if self.takes("]") {
                return Ok(members);
            }
            self.expect(",")?;
        }
    }

    fn string(&mut self) -> Result<Text<'a>> {
        self.expect("\"")?;
        let start = self.at;
        let mut owned: Option<Vec<u8>> = None;
        let mut done = start;
        loop {
            match self.text.get(self.at) {
                None => return Err(self.error("a closing quote")),
                Some(b'"') => {
                    let rest = &self.text[done..self.at];
                    self.at += 1;
                    return Ok(match owned {
                        None => Cow::Borrowed(rest),
                        Some(mut owned) => {
                            owned.extend_from_slice(rest);
                            Cow::Owned(owned)
                        }
                    });
                }
                Some(b'\\') => {
                    let byte = match self.text.get(self.at + 1) {
                        None => return Err(self.error("an escaped character")),
                        Some(b'n') => b'\n',
                        Some(b'r') => b'\r',
                        Some(b't') => b'\t',
                        Some(byte) => *byte,
                    };
                    let owned = owned.get_or_insert_default();
                    owned.extend_from_slice(&self.text[done..self.at]);
                    owned.push(byte);
                    self.at += 2;
                    done = self.at;
                }
                Some(_) => self.at += 1,
            }
        }
    }

    /// The outputs of a derivation that are needed, and the ways to outputs of those.
    fn input_tree(&mut self) -> Result<(Vec<Text<'a>>, Vec<Way<'a>>)> {
        let (mut own, mut ways) = (Vec::new(), Vec::new());
        let mut way = Way::new();
        'derivation: loop {
            let inner = self.takes("(");
            let outputs = self.list(Reader::string)?;
            if way.is_empty() {
                own = outputs;
            } else {
                let to = |output| way.iter().cloned().chain([output]).collect();
                ways.extend(outputs.into_iter().map(to));
            }
            if inner {
                self.expect(",[")?;
                if !self.takes("])") {
                    self.step_into(&mut way)?;
                    continue;
                }
            }
            while way.pop().is_some() {
                self.expect(")")?;
                if self.takes(",") {
                    self.step_into(&mut way)?;
                    continue 'derivation;
                }
                self.expect("])")?;
            }
            return Ok((own, ways));
        }
    }

    fn step_into(&mut self, way: &mut Way<'a>) -> Result<()> {
        self.expect("(")?;
        way.push(self.string()?);
        self.expect(",")
    }

    fn output(&mut self) -> Result<(Text<'a>, Output<'a>)> {
        self.expect("(")?;
        let name = self.string()?;
        self.expect(",")?;
        let path = self.string()?;
        self.expect(",")?;
        let method = self.string()?;
        self.expect(",")?;
        let hash = self.string()?;
        self.expect(")")?;
        if method.is_empty() {
            let output = if path.is_empty() {
                Output::Deferred
            } else {
                Output::InputAddressed(path)
            };
            return Ok((name, output));
        }
        let prefixes = [Method::Recursive, Method::Text, Method::Git];
        let (method, algorithm) = prefixes
            .into_iter()
            .find_map(|known| Some((known, method.strip_prefix(known.prefix().as_bytes())?)))
            .unwrap_or((Method::Flat, &method));
        let algorithm =
            Algorithm::parse(algorithm).ok_or_else(|| self.error("a hash algorithm"))?;
        let output = match &*hash {
            b"" => Output::Floating { method, algorithm },
            b"impure" => Output::Impure { method, algorithm },
            hash => Output::Fixed {
                path,
                method,
                hash: Hash::parse(hash, Some(algorithm)).map_err(|_| self.error("a hash"))?,
            },
        };
        Ok((name, output))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] = b"Derive([(\"dev\",\"/nix/store/d\",\"\",\"\"),(\"out\",\"/nix/store/o\",\"r:sha256\",\
        \"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"),(\"x\",\"\",\"text:sha1\",\"\"),\
        (\"y\",\"\",\"md5\",\"impure\"),(\"z\",\"\",\"\",\"\")],[(\"/nix/store/i.drv\",[\"dev\",\"out\"])],\
        [\"/nix/store/s\"],\"s\",\"b\",[\"-c\",\"a \\\"b\\\" \\\\ \\n\\r\\t\"],[(\"dev\",\"/nix/store/d\"),(\"e\",\"\")])";

    #[test]
    fn texts_survive() {
        let derivation = Derivation::read(b"n", TEXT).expect("valid");
        assert_eq!(&*derivation.args[1], b"a \"b\" \\ \n\r\t");
        assert_eq!(
            derivation.references(),
            [&b"/nix/store/i.drv"[..], b"/nix/store/s"]
        );
        assert_eq!(
            String::from_utf8_lossy(&derivation.write()),
            String::from_utf8_lossy(TEXT)
        );
    }

    #[test]
    fn outputs_of_outputs_survive() {
        let text = b"DrvWithVersion(\"xp-dyn-drv\",[(\"out\",\"\",\"\",\"\")],[(\"/nix/store/a.drv\",[\"out\"]),\
            (\"/nix/store/p.drv\",([\"out\"],[(\"dev\",[\"a\"]),(\"out\",([\"dev\",\"out\"],[(\"out\",[\"x\"])]))])),\
            (\"/nix/store/q.drv\",([],[(\"out\",[\"out\"])]))],[],\"s\",\"b\",[],[])";
        let derivation = Derivation::read(b"n", text).expect("valid");
        let ways: Vec<String> = derivation
            .dynamic_inputs
            .iter()
            .map(|(path, way)| {
                String::from_utf8_lossy(&[&path[11..], &way.join(&b'^')].join(&b'^')).into_owned()
            })
            .collect();
        assert_eq!(
            ways,
            [
                "p.drv^dev^a",
                "p.drv^out^dev",
                "p.drv^out^out",
                "p.drv^out^out^x",
                "q.drv^out^out"
            ]
        );
        assert_eq!(derivation.input_drvs.len(), 2);
        assert_eq!(derivation.references().len(), 3);
        assert_eq!(
            String::from_utf8_lossy(&derivation.write()),
            String::from_utf8_lossy(text)
        );
        for end in 0..text.len() {
            assert!(Derivation::read(b"n", &text[..end]).is_err(), "{end}");
        }
    }

    #[test]
    fn what_is_no_derivation() {
        for end in 0..TEXT.len() {
            assert!(Derivation::read(b"n", &TEXT[..end]).is_err(), "{end}");
        }
        assert!(Derivation::read(b"n", &[TEXT, b" "].concat()).is_err());
    }
}
