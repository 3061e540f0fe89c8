//! What messages are as bytes: numbers with their highest byte first, and before each variant its number.

/// Something that is sent.
pub trait Wire: Sized {
    /// Appends it.
    fn write(&self, bytes: &mut Vec<u8>);

    /// Takes it from the front; `None` if that is something else. What it allocates is no more than a small
    /// multiple of what is there.
    fn read(bytes: &mut &[u8]) -> Option<Self>;
}

/// As bytes.
pub fn encode(message: &impl Wire) -> Vec<u8> {
    let mut bytes = Vec::new();
    message.write(&mut bytes);
    bytes
}

/// What these bytes are, and nothing behind it.
#[must_use]
pub fn decode<W: Wire>(mut bytes: &[u8]) -> Option<W> {
    let message = W::read(&mut bytes)?;
    bytes.is_empty().then_some(message)
}

macro_rules! numbers {
    ($($number:ty)*) => {
        $(
            impl Wire for $number {
                fn write(&self, bytes: &mut Vec<u8>) {
                    bytes.extend(self.to_be_bytes());
                }

                fn read(bytes: &mut &[u8]) -> Option<Self> {
                    let (first, rest) = bytes.split_first_chunk()?;
                    *bytes = rest;
                    Some(Self::from_be_bytes(*first))
                }
            }
        )*
    };
}

numbers!(u8 u16 u32 u64);

impl Wire for bool {
    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.push((*self).into());
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        match u8::read(bytes)? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

impl<W: Wire> Wire for Option<W> {
    fn write(&self, bytes: &mut Vec<u8>) {
        self.is_some().write(bytes);
        if let Some(some) = self {
            some.write(bytes);
        }
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        Some(if bool::read(bytes)? { Some(W::read(bytes)?) } else { None })
    }
}

impl<A: Wire, B: Wire> Wire for (A, B) {
    fn write(&self, bytes: &mut Vec<u8>) {
        self.0.write(bytes);
        self.1.write(bytes);
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        Some((A::read(bytes)?, B::read(bytes)?))
    }
}

/// Their number first.
impl<W: Wire> Wire for Vec<W> {
    /// # Panics
    ///
    /// If there are 2³² or more.
    fn write(&self, bytes: &mut Vec<u8>) {
        u32::try_from(self.len()).expect("more than can be sent").write(bytes);
        for one in self {
            one.write(bytes);
        }
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        // Whatever number is claimed, each takes a byte at least.
        (0..u32::read(bytes)?).map(|_| W::read(bytes)).collect()
    }
}

impl Wire for String {
    /// # Panics
    ///
    /// If it has 2³² bytes or more.
    fn write(&self, bytes: &mut Vec<u8>) {
        u32::try_from(self.len()).expect("more than can be sent").write(bytes);
        bytes.extend(self.as_bytes());
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        let length = u32::read(bytes)?;
        let (text, rest) = bytes.split_at_checked(length.try_into().ok()?)?;
        *bytes = rest;
        Some(str::from_utf8(text).ok()?.to_owned())
    }
}

/// Says what a struct or an enum is as bytes: each variant by its number, and the fields in the order in
/// which they are named. It is an error to forget one.
macro_rules! wire {
    (enum $type:ty {
        $($number:literal = $variant:ident $({ $($field:ident),* })? $(($only:ident))?),* $(,)?
    }) => {
        impl $crate::transport::Wire for $type {
            fn write(&self, bytes: &mut Vec<u8>) {
                match self {
                    $(
                        Self::$variant $({ $($field),* })? $(($only))? => {
                            bytes.push($number);
                            $($($crate::transport::Wire::write($field, bytes);)*)?
                            $($crate::transport::Wire::write($only, bytes);)?
                        }
                    )*
                }
            }

            fn read(bytes: &mut &[u8]) -> Option<Self> {
                match <u8 as $crate::transport::Wire>::read(bytes)? {
                    $(
                        $number => Some(Self::$variant $({
                            $($field: $crate::transport::Wire::read(bytes)?),*
                        })? $(({
                            let $only = $crate::transport::Wire::read(bytes)?;
                            $only
                        }))?),
                    )*
                    _ => None,
                }
            }
        }
    };
    (struct $type:ty { $($field:ident),* $(,)? }) => {
        impl $crate::transport::Wire for $type {
            fn write(&self, bytes: &mut Vec<u8>) {
                let Self { $($field),* } = self;
                $($crate::transport::Wire::write($field, bytes);)*
            }

            fn read(bytes: &mut &[u8]) -> Option<Self> {
                Some(Self { $($field: $crate::transport::Wire::read(bytes)?),* })
            }
        }
    };
}

pub(crate) use wire;

#[cfg(test)]
mod tests {
    use super::{Wire, decode, encode};

    #[derive(Debug, PartialEq)]
    enum Any {
        Nothing,
        Much { numbers: Vec<u16>, text: String, pair: (u64, u8), maybe: Option<u32> },
    }

    wire!(enum Any { 0 = Nothing, 7 = Much { numbers, text, pair, maybe } });

    fn much() -> Any {
        let (numbers, text) = (vec![1, 0xfffe], "líneas".to_owned());
        Any::Much { numbers, text, pair: (u64::MAX, 3), maybe: Some(9) }
    }

    #[test]
    fn what_is_read_is_what_was_written() {
        for any in [Any::Nothing, much()] {
            assert_eq!(decode::<Any>(&encode(&any)), Some(any));
        }
        assert_eq!(encode(&(0x0102_u16, true)), [1, 2, 1]);
        assert_eq!(encode(&much())[..7], [7, 0, 0, 0, 2, 0, 1]);
    }

    #[test]
    fn bytes_that_are_cut_off_or_too_many_are_nothing() {
        let bytes = encode(&much());
        for end in 0..bytes.len() {
            assert_eq!(decode::<Any>(&bytes[..end]), None);
        }
        assert_eq!(decode::<Any>(&[&bytes[..], &[0]].concat()), None);
    }

    #[test]
    fn bytes_that_mean_nothing_are_nothing() {
        assert_eq!(decode::<Any>(&[1]), None);
        assert_eq!(decode::<bool>(&[2]), None);
        assert_eq!(decode::<String>(&[0, 0, 0, 1, 0xff]), None);
        // A number that is claimed costs nothing.
        assert_eq!(decode::<Vec<u64>>(&[0xff; 11]), None);
        assert_eq!(decode::<String>(&[0xff; 11]), None);
        let mut bytes = &[0xff_u8; 3][..];
        assert_eq!(u32::read(&mut bytes), None);
    }
}
