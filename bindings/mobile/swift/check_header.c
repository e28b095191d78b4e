/* The header that Swift imports compiles by itself, and as the module that its map names. */
#pragma clang module import veravoxFFI

RustBuffer empty = {0};
