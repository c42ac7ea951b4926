"""What the pages of docs/ show is run: each documented request against a live broker and lab devices."""
