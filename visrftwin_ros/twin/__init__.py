"""The radio twin of a site: channels of every link, now and ahead."""
