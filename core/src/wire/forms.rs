//! The forms of enums and structs, made of those of their fields.

/// Gives an enum without fields its bytes: `wire_enum! { Why { Start = 0, Gap = 1 } }`. Append only.
macro_rules! wire_enum {
    ($($(#[$doc:meta])* $name:ident {
        $(#[$fdoc:meta])* $first:ident = $zero:literal
        $(, $(#[$vdoc:meta])* $variant:ident = $value:literal)* $(,)?
    })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        pub enum $name {
            $(#[$fdoc])* $first = $zero,
            $($(#[$vdoc])* $variant = $value),*
        }

        impl $crate::wire::Wire for $name {
            #[inline(always)]
            fn put(&self, w: &mut impl $crate::wire::Out) {
                w.u8(*self as u8);
            }
            fn read(r: &mut $crate::wire::Reader<'_>) -> Self {
                match <u8 as $crate::wire::Wire>::read(r) {
                    $($value => Self::$variant,)*
                    other => {
                        if other != $zero {
                            r.fail();
                        }
                        Self::$first
                    }
                }
            }
        }
    )*};
}
pub(crate) use wire_enum;

/// Gives an enum with fields its bytes: a tag, then the fields in order. Append only.
macro_rules! wire_union {
    (
        $(#[$doc:meta])*
        $name:ident {
            $($(#[$vdoc:meta])* $tag:literal $variant:ident { $($(#[$fdoc:meta])* $field:ident: $ty:ty),* $(,)? }),* $(,)?
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        pub enum $name {
            $($(#[$vdoc])* $variant { $($(#[$fdoc])* $field: $ty),* }),*
        }

        $crate::wire::wire_variants!($name { $($tag $variant { $($field),* }),* });
    };
}
pub(crate) use wire_union;

/// Gives an enum that stands elsewhere its bytes: a tag, then the fields in order. Append only.
macro_rules! wire_variants {
    ($name:ident {
        $zero:literal $first:ident { $($ffield:ident),* }
        $(, $tag:literal $variant:ident { $($field:ident),* })* $(,)?
    }) => {
        impl $name {
            /// The number that stands for the variant.
            pub const fn tag(&self) -> u8 {
                match self {
                    Self::$first { .. } => $zero,
                    $(Self::$variant { .. } => $tag),*
                }
            }

            /// Takes the fields of the variant that `tag` stands for; of the first one if it stands for none.
            #[cfg_attr(not(feature = "small"), inline(always))]
            pub(crate) fn read_fields(tag: u8, r: &mut $crate::wire::Reader<'_>) -> Self {
                match tag {
                    $($tag => Self::$variant { $($field: $crate::wire::Wire::read(r)),* },)*
                    other => {
                        if other != $zero {
                            r.fail();
                        }
                        Self::$first { $($ffield: $crate::wire::Wire::read(r)),* }
                    }
                }
            }
        }

        impl $name {
            /// Appends the fields without the tag, and gives the tag.
            #[inline(always)]
            pub(crate) fn put_fields(&self, w: &mut impl $crate::wire::Out) -> u8 {
                let _ = &w;
                match self {
                    Self::$first { $($ffield),* } => {
                        $($crate::wire::Wire::put($ffield, w);)*
                        $zero
                    }
                    $(Self::$variant { $($field),* } => {
                        $($crate::wire::Wire::put($field, w);)*
                        $tag
                    })*
                }
            }
        }

        impl $crate::wire::Wire for $name {
            #[inline(always)]
            fn put(&self, w: &mut impl $crate::wire::Out) {
                w.u8(self.tag());
                self.put_fields(w);
            }
            #[cfg_attr(not(feature = "small"), inline(always))]
            fn read(r: &mut $crate::wire::Reader<'_>) -> Self {
                let tag = <u8 as $crate::wire::Wire>::read(r);
                Self::read_fields(tag, r)
            }
        }
    };
}
pub(crate) use wire_variants;

/// Gives a struct its bytes: the fields in order.
macro_rules! wire_struct {
    ($name:ident { $($field:ident),* $(,)? }) => {
        impl $crate::wire::Wire for $name {
            fn put(&self, w: &mut impl $crate::wire::Out) {
                // Copied: a field of a packed struct has no address of its own.
                $($crate::wire::Wire::put(&{ self.$field }, w);)*
            }
            fn read(r: &mut $crate::wire::Reader<'_>) -> Self {
                Self { $($field: $crate::wire::Wire::read(r)),* }
            }
        }
    };
}
pub(crate) use wire_struct;
