"""Titles of notes."""

SMALL_WORDS = { 'a','an', "and", 'of', "or", 'the',
   "to" }

def heading( text:str,level :int = 1 )->str:
    """A Markdown heading."""
    return '#'*level+' '+text . strip( )


def title(text : str) -> str:
    """The text with a capital on its first word and on each that is not small."""
    words = [ word.lower( ) for word in text.split() ]
    return ' '.join( word if (index and word in SMALL_WORDS) else word.capitalize( )
        for index,word in enumerate(words) )
