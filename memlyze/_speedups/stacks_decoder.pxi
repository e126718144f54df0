# Part of `_decoder.pyx`: functions and stacks.

cdef class StacksDecoder:
    """Decodes `codes` blocks, then `stacks` blocks, and merges what is equal."""

    cdef ml_stacks stacks
    cdef BlockOpener opener

    def __cinit__(self):
        self.opener = BlockOpener()

    def __dealloc__(self):
        ml_stacks_free(&self.stacks)

    def add_codes(self, bytes block not None):
        """Decode one `codes` block. Raises CorruptBlockError."""
        cdef ml_status status
        self.opener.open(block)
        with nogil:
            status = ml_stacks_add_codes(&self.stacks, &self.opener.payload, &self.opener.error)
        check(status, &self.opener.error)

    def add_stacks(self, bytes block not None):
        """Decode one `stacks` block, after all `codes` blocks. Raises CorruptBlockError."""
        cdef ml_status status
        self.opener.open(block)
        with nogil:
            status = ml_stacks_add_stacks(&self.stacks, &self.opener.payload, &self.opener.error)
        check(status, &self.opener.error)

    @property
    def lost(self):
        """How many functions and callers of stacks the file does not have."""
        return self.stacks.lost

    def remap(self, int32_t[::1] stack_ids not None):
        """Replace ids of the file by merged ids, in place. Returns how many are not in the file;
        they become 0.
        """
        cdef size_t count = stack_ids.shape[0]
        cdef uint64_t unknown
        if count == 0:
            return 0
        with nogil:
            unknown = ml_stacks_remap(&self.stacks, &stack_ids[0], count)
        return unknown

    def texts(self):
        """The functions' and files' names, as bytes, in the order of their numbers."""
        cdef ml_strings *texts = &self.stacks.texts
        cdef uint32_t k
        return [
            PyBytes_FromStringAndSize(
                <const char *>texts.bytes + texts.strings[k].start, texts.strings[k].length
            )
            for k in range(texts.count)
        ]

    def frames(self):
        """(number of the function's name, number of the file's name, line, language) of frame 1 and
        on, as arrays.
        """
        cdef uint32_t count = self.stacks.frame_count
        cdef uint32_t k
        cdef int32_t[::1] function, file, line
        cdef uint8_t[::1] language
        arrays = [numpy.empty(count, dtype=numpy.int32) for _ in range(3)]
        arrays.append(numpy.empty(count, dtype=numpy.uint8))
        function, file, line, language = arrays
        for k in range(count):
            function[k] = self.stacks.frames[k].function
            file[k] = self.stacks.frames[k].file
            line[k] = self.stacks.frames[k].line
            language[k] = self.stacks.frames[k].language
        return tuple(arrays)

    def stacks_table(self):
        """(parent_id, frame_id, depth) of stack 1 and on, as arrays."""
        cdef uint32_t count = self.stacks.stack_count
        cdef uint32_t k
        cdef int32_t[::1] parent_id, frame_id, depth
        arrays = [numpy.empty(count, dtype=numpy.int32) for _ in range(3)]
        parent_id, frame_id, depth = arrays
        for k in range(count):
            parent_id[k] = self.stacks.stacks[k].parent_id
            frame_id[k] = self.stacks.stacks[k].frame + 1
            depth[k] = self.stacks.stacks[k].depth
        return tuple(arrays)

    @property
    def spelled_rows(self):
        """How many rows `spell_out` writes."""
        return ml_stacks_spelled_rows(&self.stacks)

    def spell_out(
        self, int32_t[::1] stack_id not None, int32_t[::1] depth not None,
        int32_t[::1] frame_id not None
    ):
        """Write all stacks, leaf first (depth 0), into columns of `spelled_rows` rows."""
        cdef uint64_t rows = self.spelled_rows
        if not rows == len(stack_id) == len(depth) == len(frame_id):
            raise ValueError("the columns differ in length from the rows to write")
        if rows:
            with nogil:
                ml_stacks_spell_out(&self.stacks, &stack_id[0], &depth[0], &frame_id[0])
