"""The race: methods that are said to generalise sooner, side by side with an AdamW that was tuned as long as they."""
