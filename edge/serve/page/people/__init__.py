"""The pages of the people looked for; and the pictures that wait for a choice of somebody who adds them."""
