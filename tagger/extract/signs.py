"""What furniture is told by at a glance, folded: enough of every phrase and pattern of `furniture` to tell it from most prose.

What may be furniture must not be passed over; what is none may be looked at in vain, at the cost of fifty lines of prose.
"""

from itertools import product

# Marks that may stand before a phrase and behind it. All dashes but the hyphen are `¬`, all figures `0`.
MARKS = "-¬*#[]"


def _each(*parts: str) -> tuple[str, ...]:
    """Write out alternatives: of each part one, divided by `|`."""
    return tuple("".join(some) for some in product(*(part.split("|") for part in parts)))


_LINE_ENDS = "\n| \n|" + "|".join(_each("| ", "|".join(MARKS)))

_AGENCIES = (
    "afp|reuters|ap|ap photo|epa|sipa|maxppp|getty|getty images|abaca|abacapress|hans lucas|ip0|belga|keystone|tass|xinhua"
    "|yonhap|kcna"
)

# At the beginning of a line, or behind marks there.
FIRST = (
    *"partage tweet retweet share facebook twitter whatsapp linkedin instagram messenger telegram bluesky threads".split(),
    *"email e-mail sms copier imprimer enregistrer sauvegarder reagir offrir image photo (photo (c) video logo".split(),
    *"diaporama infographie audio podcast embed url iframe loading chargement publicite advertisement sponsoris".split(),
    *"related connexion menu accueil recherche fermer lecture telecharge afficher charger recommande selectionne".split(),
    *"credit illustration copyright archive commenta commente comments comment0 comment(".split(),
    *_each("x|comment|contact|contacts|annonce|annonces", _LINE_ENDS),
    *_each("comment 0|comment (|post url|read more|more stories|la suite apres|nos dernier|se connecter|mon compte|mon espace"),
    *_each("temps de lecture|get the|get our|get started|disponible sur |google play|mentions legales|plan du site"),
    *_each("aller au contenu|conditions gen|nous contacter|activer les|qui anime|retour en|retour a|soyez le premier"),
    *_each("laisser|laissez|ajouter|aucun|no|leave", "| un| a", " comm"),
    *_each("|a ", "|re", "lire|voir|ecouter|regarder|decouvrir|suivre"),
    *_each("|nos |les |autres ", "article|contenu|sujet|actualite"),
    *_each("sur |dans ", "le |la ", "meme ", "su|th|ru"),
    *_each("le|les", " plus ", "lu|recent|comment|partage"),
    *_each("nouvelle|nouvelles|nouvelle(s)|nouveau|nouveaux", " publication| message| post"),
    *_each("s'|je m'", "abonne|inscri"),
    *_each("votre ", "adresse|mail|e-mail|email"),
    *_each("vous ", "aime|pourriez aime"),
    *_each("politique|charte", " de conf"),
    *_each("fin d", "u|e ce", " direct"),
    *_each("app|play", " |-|", "store"),
    *_each("ph", ".|:| :"),
    *_each(_AGENCIES, "| ", "via|-"),
)
# Anywhere, within words too.
ANYWHERE = (
    *_each("abonnez|inscrivez|connectez|identifiez", "-vous"),
    *_each("retrouvez|suivez|rejoignez", "-nous"),
    *_each("recevez|telechargez |download|subscribe|sign up|cookies|vous acceptez|vous desinscrire"),
    *_each("app store|play store|disponible sur ios|disponible sur android"),
    *_each("reserve ", "aux|a nos", " abonnes"),
    *_each("droits|rights", " reserve"),
    *_each("direct ", "en cours|termine|demarre|commence"),
    *_each("0", " comment|comment| reaction"),
    *_each("0", " |", "min|minute|minutes", " de lecture"),
    *_each(".|!|?|»", " publicite"),
    *_each("suite apres ", "la|cette", " publicite"),
    "% de cet article",
    *_each("aussi|egalement", "| ", ":|»"),
    *_each("credit|credits|photo", "| ", ":"),
    *_each("(|avec ", "afp|reuters|ap", ")"),
    *_each("(", "photo|ph.|credit|archive"),
    "  ",  # counts as one space, which may be one of a phrase
)
# Before a date or an age, in lines of few words.
ANNOUNCING = _each("publie|poste|mis en ligne|ecrit|paru|demarre|commence|cree|mis a jour|modifie")
