"""ISO/IEC 7813 and 4909: what the tracks of a card's stripe say, from the characters that iso7811 reads."""
