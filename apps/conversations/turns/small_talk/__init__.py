"""Messages that are no question about documents: recognised, and answered at once without a model."""

SMALL_TALK_STEP = "small_talk"  # the name of the step that marks such an answer
